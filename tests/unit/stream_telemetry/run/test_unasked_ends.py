"""What ends a run that nobody has asked to stop: silence, a clock that was set, a dead JVM."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import cast

import pytest
from fake_query import FakeQuery, fake_ends, run
from py4j.protocol import Py4JError, Py4JJavaError, Py4JNetworkError
from pyspark import SparkContext
from pyspark.sql import SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from stream_telemetry.process.stop_signals import StopSignals
from stream_telemetry.run import lifecycle
from stream_telemetry.run.lifecycle import (
    NewStart,
    SparkGoneError,
    ensure_spark_runs,
    run_until_stopped,
    started_in,
    told_when_gone,
)
from stream_telemetry.run.oversight import Oversight
from stream_telemetry.wall_clock import WallClock


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

    with fake_ends():
        new_start = run_until_stopped(
            cast(StreamingQuery, query),
            signals,
            is_batched=True,
            on_step=hear,
            clock=SetClock(-600.0),
        )
    assert (told, new_start) == ([-600.0], NewStart(is_planned=False) if answer else None)
    assert query.is_awaited
    assert signals.is_asked == (not answer)


@pytest.mark.parametrize("is_batched", [True, False])
def test_a_batch_that_runs_while_the_clock_is_set_ends_first_but_a_long_one(
    is_batched: bool, seconds: Callable[[], float]
) -> None:
    query = FakeQuery(is_busy=True)
    threading.Timer(1.5, lambda: setattr(query, "_is_busy", False)).start()
    with fake_ends():
        assert run_until_stopped(
            cast(StreamingQuery, query),
            StopSignals(),
            is_batched=is_batched,
            on_step=lambda step: True,
            clock=SetClock(-600.0),
        )
    assert (seconds() > 1.4) == is_batched


def test_a_spark_that_was_stopped_under_a_query_is_found_in_the_silence() -> None:
    stopped, asked = [False], list[str]()
    scala = SimpleNamespace(isStopped=lambda: stopped[0])
    context = SimpleNamespace(_jsc=SimpleNamespace(sc=lambda: scala))
    spark = cast(SparkSession, SimpleNamespace(sparkContext=context))
    oversight = Oversight(on_silence=lambda: asked.append("silence")).of(spark)
    oversight.on_silence()
    stopped[0] = True
    with pytest.raises(SparkGoneError, match="Spark has stopped by itself"):
        oversight.on_silence()
    with pytest.raises(SparkGoneError, match="Spark has stopped by itself"):
        started_in(spark, lambda: cast(StreamingQuery, asked.append("start")))
    assert asked == ["silence"]
