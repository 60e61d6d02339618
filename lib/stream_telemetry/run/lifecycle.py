"""Runs a query until it ends or the process is asked to stop.

Under `spark-submit` the JVM is the parent: SIGTERM reaches it alone, and Ctrl-C reaches both it and
Python. Left to itself the JVM would shut down in the middle of a batch, so its signals are handled
here, by a Python object that the JVM calls back.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Self

from py4j.protocol import Py4JError, Py4JJavaError
from pyspark import SparkContext
from pyspark.sql import SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from stream_telemetry.driver_jvm import SIGNALS, handle_in_jvm
from stream_telemetry.run.alarm import Alarm
from stream_telemetry.wall_clock import WallClock

GRACE_SECONDS = 25.0
"""How long a running batch may take to end; container platforms kill after 30 s."""
FORCE_SECONDS = 27.0
"""When the process ends after a request though Spark does not: a broker that is gone holds it."""
SILENCE_SECONDS = 30.0
"""After so long without a batch, the cause is looked for; a query that is idle is silent too."""
JVM_ERRORS = (Py4JError, ConnectionError)
"""What a call into a JVM raises that is gone; but a Py4JJavaError comes from a living one."""
_POLL_SECONDS = 0.02

log = logging.getLogger(__name__)


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
    return start()


class StopSignals:
    """Counts requests to stop: SIGTERM, SIGHUP and Ctrl-C, whether Python or the JVM gets them."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._count: Counter[str] = Counter()
        self._halt_jvm: Callable[[], object] | None = None

    @property
    def is_asked(self) -> bool:
        """Whether anybody has asked for a stop."""
        return self._asked.is_set()

    @property
    def is_urgent(self) -> bool:
        """Whether it was asked for again."""
        # One press of Ctrl-C reaches both processes, a signal to one of them only that.
        return max(self._count.values(), default=0) > 1

    def ask(self, heard_by: str = "Python") -> None:
        """Asks for a stop, as a signal does; the process ends within `FORCE_SECONDS`.

        Args:
            heard_by: which process got the signal.
        """
        self._count[heard_by] += 1
        is_first = not self._asked.is_set()
        self._asked.set()
        if is_first and self._halt_jvm:
            force = threading.Timer(FORCE_SECONDS, self._end_by_force)
            force.daemon = True
            force.start()

    def wait(self, seconds: float) -> bool:
        """Waits for a request; False when none came."""
        return self._asked.wait(seconds)

    def listen(self, spark: SparkSession) -> Self:
        """Takes over the signals of this process and of the JVM; for the main thread.

        What is ignored stays so, as `nohup` wants it; the JVM itself sees to that on its side.
        """
        for number in (getattr(signal, f"SIG{name}") for name in SIGNALS):
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._on_signal)
        context = spark.sparkContext
        assert context._gateway is not None
        assert context._jvm is not None
        # `halt`, because `exit` would run the very shutdown hooks that hang.
        self._halt_jvm = lambda: context._jvm.java.lang.Runtime.getRuntime().halt(0)
        handle_in_jvm(context._gateway, lambda name: self.ask("the JVM"))
        return self

    def _end_by_force(self) -> None:
        log.warning(
            "Spark has not ended within %.0f s of the request; ending by force, the running batch "
            "will be repeated",
            FORCE_SECONDS,
        )
        if self._halt_jvm:
            # It answers this by being gone.
            with contextlib.suppress(*JVM_ERRORS):
                self._halt_jvm()
        # Not sys.exit: this is a timer's thread, and the main one hangs.
        os._exit(0)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.ask()


def run_until_stopped(
    query: StreamingQuery,
    signals: StopSignals,
    *,
    is_batched: bool,
    on_stop: Callable[[], None] = lambda: None,
    on_silence: Callable[[], None] = lambda: None,
    on_step: Callable[[float], bool] = lambda seconds: False,
    alarm: Alarm | None = None,
    clock: WallClock | None = None,
) -> bool:
    """Returns when the query has ended by itself, or has been stopped.

    A running micro-batch may finish, or is repeated: after a second request, or `GRACE_SECONDS`.

    Args:
        query: the running query.
        signals: listened to already.
        is_batched: false in real-time mode, where a batch lasts too long to wait for.
        on_stop: called when a stop was asked for, before it is waited for.
        on_silence: called each `SILENCE_SECONDS` without the end of a batch; may raise.
        on_step: called with the seconds by which the clock was set; whether to stop for that.
        alarm: raises what another thread has found; looked at all the time.
        clock: the wall clock.

    Returns:
        Whether it was stopped because of the clock, and nobody has asked for a stop.

    Raises:
        StreamingQueryException: the query failed.
    """
    batch, looked, is_misled = None, time.monotonic(), False
    alarm, clock = alarm or Alarm(), clock or WallClock()
    while query.isActive and not signals.wait(0.2):
        alarm.check()
        if step := clock.step():
            is_misled |= on_step(step)
        if is_misled and not (is_batched and query.status["isTriggerActive"]):
            break
        if time.monotonic() - looked > SILENCE_SECONDS:
            before, batch, looked = batch, _last_batch(query), time.monotonic()
            if batch == before:
                on_silence()
    if query.isActive:
        if signals.is_asked:
            on_stop()
            _await_batch_end(query, signals, GRACE_SECONDS if is_batched else 0.0)
        query.stop()
    query.awaitTermination()
    return is_misled and not signals.is_asked


def _await_batch_end(query: StreamingQuery, signals: StopSignals, grace: float) -> None:
    """Returns right after a batch, before the next one has written anything."""
    deadline = time.monotonic() + grace
    running = _last_batch(query) if grace else None
    while query.isActive and not signals.is_urgent and time.monotonic() < deadline:
        # Between two batches there is none to wait for.
        if not query.status["isTriggerActive"] or _last_batch(query) != running:
            return
        time.sleep(_POLL_SECONDS)


def _last_batch(query: StreamingQuery) -> int | None:
    # Not by pyspark's own way, which brings all of the progress over as JSON: the next batch is
    # being planned meanwhile.
    progress = query._jsq.lastProgress()
    return None if progress is None else int(progress.batchId())
