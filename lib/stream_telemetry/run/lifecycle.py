"""Runs a query until it ends or the process is asked to stop."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from py4j.protocol import Py4JJavaError
from pyspark import SparkContext
from pyspark.sql import SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from stream_telemetry.process.driver_jvm import JVM_ERRORS
from stream_telemetry.process.local_directories import restore_local_directories
from stream_telemetry.process.stop_signals import StopSignals
from stream_telemetry.run.alarm import Alarm
from stream_telemetry.wall_clock import WallClock

GRACE_SECONDS = 25.0
"""How long a running batch may take to end; container platforms kill after 30 s."""
SILENCE_SECONDS = 30.0
"""After so long without a batch, the cause is looked for; a query that is idle is silent too."""
_POLL_SECONDS = 0.02


class SparkGoneError(Exception):
    """Spark has ended, or is about to, though nobody has asked for it."""


@contextmanager
def told_when_gone() -> Iterator[None]:
    """Turns what calls into a JVM raise that is no longer there into one error.

    Raises:
        SparkGoneError: the JVM is no longer there.
    """
    try:
        yield
    except JVM_ERRORS as error:
        if isinstance(error, Py4JJavaError) or _jvm_answers():
            raise
        raise SparkGoneError("Spark's JVM does not answer any more") from error


def _jvm_answers() -> bool:
    try:
        if SparkContext._jvm is None:
            return False
        SparkContext._jvm.java.lang.System.nanoTime()
        return True
    except JVM_ERRORS:
        return False


def ensure_spark_runs(spark: SparkSession) -> None:
    """Returns if the session can go on; a JVM that exits stops it first, and its queries with it.

    Raises:
        SparkGoneError: it cannot.
    """
    with told_when_gone():
        if spark.sparkContext._jsc.sc().isStopped():
            raise SparkGoneError("Spark has stopped by itself")


def started_in(spark: SparkSession, start: Callable[[], StreamingQuery]) -> StreamingQuery:
    """The query that `start` starts, unless Spark was stopped under the one before.

    Raises:
        SparkGoneError: it was.
    """
    ensure_spark_runs(spark)
    with told_when_gone():
        restore_local_directories(spark)
    return start()


@dataclass(frozen=True)
class NewStart:
    """A start of a query that was stopped for that alone; it has not failed.

    Attributes:
        is_planned: whether somebody wants it; else the clock is to blame.
    """

    is_planned: bool


def run_until_stopped(
    query: StreamingQuery,
    signals: StopSignals,
    *,
    is_batched: bool,
    on_stop: Callable[[], None] = lambda: None,
    on_silence: Callable[[], None] = lambda: None,
    on_step: Callable[[float], bool] = lambda seconds: False,
    renew: Callable[[bool], bool] = lambda is_asked: False,
    alarm: Alarm | None = None,
    clock: WallClock | None = None,
) -> NewStart | None:
    """Returns when the query has ended by itself, or has been stopped.

    A running micro-batch may finish, or is repeated: after a second request, or `GRACE_SECONDS`.

    Args:
        query: the running query.
        signals: listened to already.
        is_batched: false in real-time mode, where a batch lasts too long to wait for.
        on_stop: called when a stop was asked for, before it is waited for.
        on_silence: called each `SILENCE_SECONDS` without the end of a batch; may raise.
        on_step: called with the seconds by which the clock was set; whether to stop for that.
        renew: called with whether a signal asks for it; whether to start again between two batches.
        alarm: raises what another thread has found; looked at all the time.
        clock: the wall clock.

    Returns:
        The start that has to follow; None if none has.

    Raises:
        StreamingQueryException: the query failed.
    """
    silence, renewal = _Silence(query, on_silence), _Renewal(query, signals, renew)
    is_misled, alarm, clock = False, alarm or Alarm(), clock or WallClock()
    while query.isActive and not signals.wait(renewal.pause):
        alarm.check()
        if step := clock.step():
            is_misled |= on_step(step)
        if is_misled and not (is_batched and query.status["isTriggerActive"]):
            break
        if renewal.is_due():
            break
        silence.look()
    if query.isActive:
        _stop(query, signals, GRACE_SECONDS if is_batched else 0.0, on_stop)
    query.awaitTermination()
    if signals.is_asked or not (renewal.is_wanted or is_misled):
        return None
    return NewStart(is_planned=not is_misled)


class _Silence:
    """Looks for ends of batches, each `SILENCE_SECONDS`."""

    def __init__(self, query: StreamingQuery, on_silence: Callable[[], None]) -> None:
        self._query = query
        self._on_silence = on_silence
        self._batch: int | None = None
        self._looked = time.monotonic()

    def look(self) -> None:
        """Tells if no batch has ended since the last look; raises what the told one raises."""
        if time.monotonic() - self._looked <= SILENCE_SECONDS:
            return
        before, self._batch, self._looked = self._batch, _last_batch(self._query), time.monotonic()
        if self._batch == before:
            self._on_silence()


class _BatchEnd:
    """The moment right after a batch, before the next one has written anything."""

    def __init__(self, query: StreamingQuery) -> None:
        """Notes the batch that runs, if one does."""
        self._query = query
        self._before = _last_batch(query)

    def is_there(self) -> bool:
        """Whether that batch has ended, or none ran."""
        return not self._query.status["isTriggerActive"] or _last_batch(self._query) != self._before


class _Renewal:
    """Asks whether the query has to be started again and, once it has, for the end of its batch."""

    def __init__(
        self, query: StreamingQuery, signals: StopSignals, renew: Callable[[bool], bool]
    ) -> None:
        self._query = query
        self._signals = signals
        self._renew = renew
        self._end: _BatchEnd | None = None

    @property
    def is_wanted(self) -> bool:
        """Whether it has to be started again."""
        return self._end is not None

    @property
    def pause(self) -> float:
        """Seconds until the next look."""
        return _POLL_SECONDS if self.is_wanted else 0.2

    def is_due(self) -> bool:
        """Whether it can be stopped for that now."""
        if self._end is None and self._renew(self._signals.take_renewal()):
            self._end = _BatchEnd(self._query)
        return self._end is not None and self._end.is_there()


def _stop(
    query: StreamingQuery, signals: StopSignals, grace: float, on_stop: Callable[[], None]
) -> None:
    if signals.is_asked:
        on_stop()
        _await_batch_end(query, signals, grace)
    query.stop()


def _await_batch_end(query: StreamingQuery, signals: StopSignals, grace: float) -> None:
    """Returns right after a batch, at the latest after a time of grace."""
    deadline = time.monotonic() + grace
    end = _BatchEnd(query) if grace else None
    while query.isActive and not signals.is_urgent and time.monotonic() < deadline:
        if end is None or end.is_there():
            return
        time.sleep(_POLL_SECONDS)


def _last_batch(query: StreamingQuery) -> int | None:
    # Not by pyspark's own way, which brings all of the progress over as JSON: the next batch is
    # being planned meanwhile.
    progress = query._jsq.lastProgress()
    return None if progress is None else int(progress.batchId())
