"""Requests to stop, and what they let a query finish."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

import pytest
from fake_query import FakeQuery, run
from pyspark.errors import StreamingQueryException

from stream_telemetry.run import lifecycle
from stream_telemetry.run.lifecycle import StopSignals

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


def test_signals_tell_one_request_from_two() -> None:
    seen = [(asked(times).is_asked, asked(times).is_urgent) for times in range(3)]
    assert seen == [(False, False), (True, False), (True, True)]
    assert asked().wait(LONG_SECONDS)


def test_one_press_that_both_processes_hear_is_one_request_and_the_second_press_is_urgent() -> None:
    signals = StopSignals()
    urgent = []
    for _ in range(2):
        for process in ("the JVM", "Python"):
            signals.ask(process)
            urgent.append(signals.is_urgent)
    assert urgent == [False, False, True, True]


def test_without_a_request_there_is_nothing_to_wait_for() -> None:
    assert not StopSignals().wait(0.001)


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


def test_a_process_that_does_not_end_after_a_request_is_ended_by_force(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ended, halted = threading.Event(), threading.Event()
    monkeypatch.setattr(lifecycle, "FORCE_SECONDS", 0.01)
    monkeypatch.setattr(os, "_exit", lambda code: ended.set() if code == 0 else None)
    signals = StopSignals()

    def halt() -> None:
        halted.set()
        raise ConnectionResetError

    monkeypatch.setattr(signals, "_halt_jvm", halt)
    signals.ask()
    assert ended.wait(LONG_SECONDS)
    assert halted.is_set()
