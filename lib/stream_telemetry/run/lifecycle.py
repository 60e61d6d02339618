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
from stream_telemetry.process.last_batch import LastBatch, is_running
from stream_telemetry.process.local_directories import restore_local_directories
from stream_telemetry.process.stop_signals import StopSignals
from stream_telemetry.run.alarm import Alarm
from stream_telemetry.wall_clock import WallClock

GRACE_SECONDS = 25.0
"""How long a running batch may take to end; container platforms kill after 30 s."""
SILENCE_SECONDS = 30.0
"""After so long without a batch, the cause is looked for; a query that is idle is silent too."""
_PAUSE_SECONDS = 0.2
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
    new_start = _NewStarts(query, signals, renew, on_step, clock or WallClock())
    silence, alarm = _Silence(query, on_silence), alarm or Alarm()
    while is_running(query) and not signals.wait(new_start.pause):
        alarm.check()
        if new_start.is_due(is_batched=is_batched):
            break
        silence.look()
    if is_running(query) and signals.is_asked:
        on_stop()
        if is_batched:
            _await_end(new_start.last or LastBatch(query), signals)
    if is_running(query):
        query.stop()
    query.awaitTermination()
    return None if signals.is_asked else new_start.wanted


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


class _NewStarts:
    """Looks whether the query has to be started again, and then for the end of its last batch."""

    def __init__(
        self,
        query: StreamingQuery,
        signals: StopSignals,
        renew: Callable[[bool], bool],
        on_step: Callable[[float], bool],
        clock: WallClock,
    ) -> None:
        self.last: LastBatch | None = None
        self.wanted: NewStart | None = None
        self._query = query
        self._signals = signals
        self._renew = renew
        self._on_step = on_step
        self._clock = clock

    @property
    def pause(self) -> float:
        """Seconds until the next look."""
        return _POLL_SECONDS if self.last else _PAUSE_SECONDS

    def is_due(self, *, is_batched: bool) -> bool:
        """Whether it can be stopped for that now."""
        step = self._clock.step()
        if step and self._on_step(step):
            self.wanted = NewStart(is_planned=False)
            # The batch would end by that clock.
            if not is_batched:
                return True
        if not self.wanted and self._renew(self._signals.take_renewal()):
            self.wanted = NewStart(is_planned=True)
        if not self.wanted:
            return False
        self.last = self.last or LastBatch(self._query)
        return self.last.has_ended()


def _await_end(last: LastBatch, signals: StopSignals) -> None:
    """Returns right after the last batch, at the latest after a time of grace."""
    deadline = time.monotonic() + GRACE_SECONDS
    while not (last.has_ended() or signals.is_urgent or time.monotonic() > deadline):
        time.sleep(_POLL_SECONDS)


def _last_batch(query: StreamingQuery) -> int | None:
    # Not by pyspark's own way, which brings all of the progress over as JSON.
    progress = query._jsq.lastProgress()
    return None if progress is None else int(progress.batchId())
