"""Requests to stop before the query listens to them by itself."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from pyspark import SparkContext

from stream_telemetry.process.driver_jvm import SIGNALS, Interruption, handle_in_jvm
from telco_churn.errors import StoppedError, is_below_spark_submit
from telco_churn.last_words import DISMISSED, VARIABLE


@contextmanager
def heeding_signals() -> Iterator[None]:
    """A block of the main thread that a request to stop ends, until somebody else listens.

    Below spark-submit it is the JVM that gets the signals.

    Raises:
        StoppedError: SIGTERM, SIGHUP or Ctrl-C.
    """
    numbers = [getattr(signal, f"SIG{name}") for name in SIGNALS]
    numbers = [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]

    asked: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        """Handles the first of them, and the rest not at all."""
        asked.append(number)
        # One press of Ctrl-C reaches both processes; what comes now is let end.
        for other in numbers:
            signal.signal(other, signal.SIG_IGN)
        raise Interruption

    try:
        for number in numbers:
            signal.signal(number, stop)
        if is_below_spark_submit():
            _heed_jvm()
        yield
    except BaseException:
        if not asked:
            raise
        # On its way out the code may fail at what it tidies up: the call into the JVM that was
        # interrupted has taken the connection with it.
        raise StoppedError(asked[0]) from None


def _heed_jvm() -> None:
    SparkContext._ensure_initialized()
    gateway = SparkContext._gateway
    assert gateway is not None
    handle_in_jvm(gateway, lambda name: os.kill(os.getpid(), getattr(signal, f"SIG{name}")))
    if number := os.environ.pop(VARIABLE, ""):
        # The descriptor is the JVM's; this process has not inherited it.
        out = gateway.jvm.java.io.FileOutputStream(f"/dev/fd/{number}")
        out.write(bytearray(DISMISSED))
        out.close()
