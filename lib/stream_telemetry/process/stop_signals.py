"""Requests to stop, by signals.

SIGTERM reaches the JVM alone, and Ctrl-C reaches both it and Python. Left to itself the JVM would
shut down in the middle of a batch, so its signals are handled here, by a Python object that the JVM
calls back.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
from collections import Counter
from collections.abc import Callable
from types import FrameType
from typing import Self

from pyspark.sql import SparkSession

from stream_telemetry.process.driver_jvm import JVM_ERRORS, SIGNALS, handle_in_jvm

FORCE_SECONDS = 27.0
"""When the process ends after a request though Spark does not: a broker that is gone holds it."""

log = logging.getLogger(__name__)


class StopSignals:
    """Counts requests to stop: SIGTERM, SIGHUP and Ctrl-C, whether Python or the JVM gets them.

    Where something can be renewed, SIGHUP asks for that instead, unless it tells that the terminal
    is gone that the job was started from.
    """

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._count: Counter[str] = Counter()
        self._halt_jvm: Callable[[], object] | None = None
        self._can_renew = self._had_terminal = False
        self._renewal = threading.Event()

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

    def take_renewal(self) -> bool:
        """Whether a renewal was asked for since this was last asked."""
        is_asked = self._renewal.is_set()
        self._renewal.clear()
        return is_asked

    def hear(self, name: str, heard_by: str = "Python") -> None:
        """Does what a signal asks for.

        Args:
            name: such as `TERM`.
            heard_by: which process got it.
        """
        is_hangup = self._had_terminal and not _has_terminal()
        if name == "HUP" and self._can_renew and not is_hangup:
            self._renewal.set()
        else:
            self.ask(heard_by)

    def listen(self, spark: SparkSession, *, can_renew: bool = False) -> Self:
        """Takes over the signals of this process and of the JVM; for the main thread.

        What is ignored stays so, as `nohup` wants it; the JVM itself sees to that on its side.

        Args:
            spark: whose JVM it is.
            can_renew: whether SIGHUP asks for a renewal.
        """
        self._can_renew, self._had_terminal = can_renew, _has_terminal()
        for number in (getattr(signal, f"SIG{name}") for name in SIGNALS):
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._on_signal)
        context = spark.sparkContext
        assert context._gateway is not None
        assert context._jvm is not None
        # `halt`, because `exit` would run the very shutdown hooks that hang.
        self._halt_jvm = lambda: context._jvm.java.lang.Runtime.getRuntime().halt(0)
        handle_in_jvm(context._gateway, lambda name: self.hear(name, "the JVM"))
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
        self.hear(signal.Signals(number).name.removeprefix("SIG"))


def _has_terminal() -> bool:
    """Whether the session of this process has a terminal, and it is still there."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True
