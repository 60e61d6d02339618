"""The JVM of this process: with a user that Hadoop knows, its signals handled in Python."""

from __future__ import annotations

import logging
import os
import pwd
from collections.abc import Callable
from typing import Any, ClassVar

from py4j.java_gateway import JavaGateway
from py4j.protocol import Py4JError
from pyspark import SparkContext
from pyspark.java_gateway import ensure_callback_server_started

JVM_ERRORS = (Py4JError, ConnectionError)
"""What a call into a JVM raises that is gone; but a Py4JJavaError comes from a living one."""
SIGNALS = ("TERM", "INT", "HUP")
"""Those that ask for a stop."""


def connected() -> Any:
    """The JVM that the session uses, or will use; started where there is none.

    Where the system has no name for this user's id, as in some containers, Hadoop's own login ends
    in a stack trace. It is then told a name: that of `HADOOP_USER_NAME`, or `uid` and the number.
    """
    # Starts the JVM alone; a SparkContext would already ask the cluster for executors.
    SparkContext._ensure_initialized()
    assert SparkContext._jvm is not None
    try:
        pwd.getpwuid(os.getuid())
    except KeyError:
        users = SparkContext._jvm.org.apache.hadoop.security.UserGroupInformation
        name = os.environ.get("HADOOP_USER_NAME") or f"uid{os.getuid()}"
        users.setLoginUser(users.createRemoteUser(name))
    return SparkContext._jvm


class Interruption(KeyboardInterrupt):
    """What a handler of signals raises in the main thread, out of whatever that waits for.

    Py4J gives up the call under way for a KeyboardInterrupt; after any other error its next call
    would wait for the answer to this one.
    """

    def __init__(self) -> None:
        super().__init__()
        # It logs a stack trace, and goes on as it should.
        logging.getLogger().addFilter(_is_news)


def _is_news(record: logging.LogRecord) -> bool:
    return record.msg != "KeyboardInterrupt while sending command."


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
