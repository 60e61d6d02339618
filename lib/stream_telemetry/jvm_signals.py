"""Signals that the JVM gets, handled by a Python object that it calls back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from py4j.java_gateway import JavaGateway
from pyspark.java_gateway import ensure_callback_server_started

SIGNALS = ("TERM", "INT", "HUP")
"""Those that ask for a stop."""


def handle_in_jvm(gateway: JavaGateway, handle: Callable[[str], object]) -> None:
    """Takes over the signals of the JVM.

    Args:
        gateway: to it.
        handle: called with a name such as `TERM`, on a thread of its own.
    """
    # What pyspark's own listeners use.
    ensure_callback_server_started(gateway)
    jvm_signal = gateway.jvm.sun.misc.Signal
    for name in SIGNALS:
        jvm_signal.handle(jvm_signal(name), _JvmHandler(handle))


class _JvmHandler:
    """A `sun.misc.SignalHandler`, called by the JVM."""

    def __init__(self, handle: Callable[[str], object]) -> None:
        self._handle = handle

    def handle(self, received: Any) -> None:
        """Hands the signal's name on; called on a thread of the JVM's callbacks."""
        self._handle(str(received.getName()))

    class Java:
        """What Py4J reads to build the proxy."""

        implements: ClassVar[list[str]] = ["sun.misc.SignalHandler"]
