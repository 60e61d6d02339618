from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import cast

import pytest
from py4j.protocol import Py4JError, Py4JJavaError, Py4JNetworkError
from pyspark import SparkContext
from pyspark.errors import StreamingQueryException
from pyspark.sql import SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from stream_telemetry.run import lifecycle
from stream_telemetry.run.lifecycle import (
    SparkGoneError,
    StopSignals,
    ensure_spark_runs,
    run_until_stopped,
    told_when_gone,
)
from stream_telemetry.wall_clock import WallClock

LONG_SECONDS = 20.0
"""More than any of these tests takes."""


class FakeQuery:
    """A query that runs micro-batches; each look at its progress may be the last of a batch."""

    def __init__(self, *, looks_a_batch: int = 10**9, is_busy: bool = True) -> None:
        self.isActive = True
        self.looks = 0
        self.stopped_at_look: int | None = None
        self.is_awaited = False
        self.failure: Exception | None = None
        self.on_look: Callable[[int], None] = lambda look: None
        self._looks_a_batch = looks_a_batch
        self._is_busy = is_busy

    @property
    def _jsq(self) -> FakeQuery:
        return self

    def lastProgress(self) -> SimpleNamespace | None:
        self.looks += 1
        self.on_look(self.looks)
        ended = self.looks // self._looks_a_batch
        return SimpleNamespace(batchId=lambda: ended - 1) if ended else None

    @property
    def status(self) -> dict[str, bool]:
        return {"isTriggerActive": self._is_busy}

    def stop(self) -> None:
        self.isActive = False
        self.stopped_at_look = self.looks

    def awaitTermination(self) -> None:
        assert not self.isActive, "it would wait for ever"
        self.is_awaited = True
        if self.failure:
            raise self.failure


@pytest.fixture
def seconds() -> Callable[[], float]:
    """Tells how long the test has been running."""
    began = time.monotonic()
    return lambda: time.monotonic() - began


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifecycle, "GRACE_SECONDS", LONG_SECONDS)


def run(
    query: FakeQuery,
    signals: StopSignals,
    *,
    is_batched: bool = True,
    on_silence: Callable[[], None] = lambda: None,
) -> None:
    run_until_stopped(
        cast(StreamingQuery, query), signals, is_batched=is_batched, on_silence=on_silence
    )


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


def test_a_query_that_ends_no_batch_is_asked_about_until_it_ends_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lifecycle, "SILENCE_SECONDS", 0.1)
    query, signals = FakeQuery(looks_a_batch=4), StopSignals()
    asked: list[int] = []
    query.on_look = lambda look: signals.ask() if look == 9 else None
    run(query, signals, is_batched=False, on_silence=lambda: asked.append(query.looks))
    # Batches ended at looks 4 and 8.
    assert asked == [1, 2, 3, 5, 6, 7, 9]


def test_what_is_found_in_the_silence_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifecycle, "SILENCE_SECONDS", 0.1)

    def find() -> None:
        raise ValueError("the topic is gone")

    with pytest.raises(ValueError, match="the topic is gone"):
        run(FakeQuery(), StopSignals(), on_silence=find)


@pytest.mark.parametrize("error", [Py4JNetworkError("x"), Py4JError("x"), ConnectionRefusedError()])
def test_a_jvm_that_is_gone_is_told_whatever_it_shows_as(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SparkContext, "_jvm", None)
    with pytest.raises(SparkGoneError, match="does not answer any more"), told_when_gone():
        raise error


@pytest.mark.parametrize("error", [TimeoutError("10 s"), OSError(28, "disk full"), KeyError("x")])
def test_another_error_is_no_sign_that_the_jvm_is_gone(error: Exception) -> None:
    with pytest.raises(type(error)), told_when_gone():
        raise error


def test_what_a_living_jvm_throws_is_no_sign_of_its_death(spark: SparkSession) -> None:
    jvm = spark.sparkContext._jvm
    assert jvm is not None
    with pytest.raises(Py4JJavaError), told_when_gone():
        jvm.java.util.ArrayDeque().removeFirst()
    with pytest.raises(Py4JError, match="does not exist"), told_when_gone():
        jvm.java.lang.Math.sqrt("two")
    ensure_spark_runs(spark)


class SetClock(WallClock):
    """A wall clock that is set right before the second look."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._steps = [0.0, seconds]

    def step(self) -> float:
        return self._steps.pop(0) if self._steps else 0.0


@pytest.mark.parametrize("answer", [True, False])
def test_a_clock_that_was_set_ends_the_query_only_where_it_is_misled(answer: bool) -> None:
    told: list[float] = []
    signals, query = StopSignals(), FakeQuery(is_busy=False)

    def hear(seconds: float) -> bool:
        told.append(seconds)
        threading.Timer(0.7, signals.ask).start()
        return answer

    is_misled = run_until_stopped(
        cast(StreamingQuery, query),
        signals,
        is_batched=True,
        on_step=hear,
        clock=SetClock(-600.0),
    )
    assert (told, is_misled) == ([-600.0], answer)
    assert query.is_awaited
    assert signals.is_asked == (not answer)


@pytest.mark.parametrize("is_batched", [True, False])
def test_a_batch_that_runs_while_the_clock_is_set_ends_first_but_a_long_one(
    is_batched: bool, seconds: Callable[[], float]
) -> None:
    query = FakeQuery(is_busy=True)
    threading.Timer(1.5, lambda: setattr(query, "_is_busy", False)).start()
    assert run_until_stopped(
        cast(StreamingQuery, query),
        StopSignals(),
        is_batched=is_batched,
        on_step=lambda step: True,
        clock=SetClock(-600.0),
    )
    assert (seconds() > 1.4) == is_batched
