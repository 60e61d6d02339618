"""Requests to stop, and what they let a query finish."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fake_query import FakeQuery, run
from pyspark.errors import StreamingQueryException

from stream_telemetry.process.stop_signals import StopSignals
from stream_telemetry.run import lifecycle
from stream_telemetry.run.lifecycle import NewStart

LONG_SECONDS = 20.0
"""More than any of these tests takes."""


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifecycle, "GRACE_SECONDS", LONG_SECONDS)


def asked(times: int = 1) -> StopSignals:
    signals = StopSignals()
    for _ in range(times):
        signals.ask()
    return signals


@pytest.mark.parametrize("looks_a_batch", [3, 5])
def test_a_running_batch_is_let_finish_and_no_other_begins(looks_a_batch: int) -> None:
    query = FakeQuery(looks_a_batch=looks_a_batch)
    run(query, asked())
    assert query.stopped_at_look == looks_a_batch
    assert query.is_awaited


def test_a_query_that_waits_for_its_trigger_is_stopped_at_once(
    seconds: Callable[[], float],
) -> None:
    query = FakeQuery(is_busy=False)
    run(query, asked())
    assert query.stopped_at_look is not None
    assert seconds() < 1


def test_a_second_request_ends_a_batch_at_once(seconds: Callable[[], float]) -> None:
    signals, query = asked(), FakeQuery()

    def ask_again(look: int) -> None:
        if look == 4:
            signals.ask()

    query.on_look = ask_again
    run(query, signals)
    assert query.stopped_at_look == 4
    assert seconds() < 1


def test_a_batch_that_does_not_end_is_stopped_after_the_grace_period(
    monkeypatch: pytest.MonkeyPatch, seconds: Callable[[], float]
) -> None:
    monkeypatch.setattr(lifecycle, "GRACE_SECONDS", 0.2)
    query = FakeQuery()
    run(query, asked())
    assert query.stopped_at_look is not None
    assert 0.2 <= seconds() < 2


def test_real_time_mode_is_stopped_at_once(seconds: Callable[[], float]) -> None:
    query = FakeQuery()
    run(query, asked(), is_batched=False)
    assert query.stopped_at_look == 0
    assert query.is_awaited
    assert seconds() < 1


def test_a_query_that_ends_by_itself_is_not_stopped() -> None:
    query = FakeQuery()
    query.isActive = False
    run(query, StopSignals())
    assert query.stopped_at_look is None
    assert query.is_awaited


def test_a_query_that_ends_while_its_last_batch_is_awaited_needs_no_more_patience(
    seconds: Callable[[], float],
) -> None:
    query = FakeQuery()

    def end(look: int) -> None:
        query.isActive = look < 3

    query.on_look = end
    run(query, asked())
    assert query.is_awaited
    assert seconds() < 1


def test_the_failure_of_a_query_reaches_the_caller() -> None:
    query = FakeQuery()
    query.isActive = False
    query.failure = StreamingQueryException("boom")
    with pytest.raises(StreamingQueryException, match="boom"):
        run(query, StopSignals())


def test_a_request_is_heard_while_the_query_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    signals, query, waits = StopSignals(), FakeQuery(is_busy=False), iter([False, False, True])
    monkeypatch.setattr(signals, "wait", lambda seconds: next(waits))
    run(query, signals)
    assert query.stopped_at_look is not None
    assert list(waits) == []


def renewing(query: FakeQuery, signals: StopSignals, *, is_batched: bool = True) -> NewStart | None:
    """A run in which a renewal is wanted at the first look, and not asked for again."""
    wanted = iter([True])
    return run(query, signals, is_batched=is_batched, renew=lambda is_asked: next(wanted))


@pytest.mark.parametrize("is_batched", [True, False])
def test_for_a_renewal_the_query_is_stopped_when_its_batch_ends(is_batched: bool) -> None:
    query = FakeQuery(looks_a_batch=4)
    assert renewing(query, StopSignals(), is_batched=is_batched) == NewStart(is_planned=True)
    assert query.stopped_at_look == 4
    assert query.is_awaited


def test_a_query_that_waits_for_its_trigger_is_renewed_at_once() -> None:
    query = FakeQuery(is_busy=False)
    assert renewing(query, StopSignals()) == NewStart(is_planned=True)
    assert query.stopped_at_look == 1


def test_no_time_of_grace_ends_the_wait_for_a_renewal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifecycle, "GRACE_SECONDS", 0.0)
    query = FakeQuery(looks_a_batch=30)
    assert renewing(query, StopSignals())
    assert query.stopped_at_look == 30


def test_a_request_to_stop_comes_before_a_renewal() -> None:
    signals, query = StopSignals(), FakeQuery(looks_a_batch=6)

    def ask(look: int) -> None:
        if look == 3:
            signals.ask()

    query.on_look = ask
    assert renewing(query, signals) is None
    assert query.stopped_at_look == 6


def test_a_query_that_ends_before_it_is_renewed_is_not_started_again_for_that() -> None:
    query = FakeQuery()

    def end(look: int) -> None:
        query.isActive = look < 3
        query.failure = StreamingQueryException("boom")

    query.on_look = end
    with pytest.raises(StreamingQueryException, match="boom"):
        renewing(query, StopSignals())


def test_a_signal_is_handed_on_once(monkeypatch: pytest.MonkeyPatch) -> None:
    signals, query, told = StopSignals(), FakeQuery(is_busy=False), list[bool]()
    monkeypatch.setattr(signals, "_can_renew", True)
    signals.hear("HUP")
    signals.hear("HUP", "the JVM")

    def renew(is_asked: bool) -> bool:
        told.append(is_asked)
        return len(told) == 3

    run(query, signals, renew=renew)
    assert told == [True, False, False]
