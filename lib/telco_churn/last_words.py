"""Whatever ends a start before the query runs is told in one line.

A start is one program after another under the same id: a shell, Python, spark-submit's shell, the
JVM, which starts the job's Python. Most of them cannot be taught to say anything, so another
process watches until the job can speak for itself; from then on signals are the job's own.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from telco_churn.errors import StoppedError, is_below_spark_submit

VARIABLE = "CHURN_STREAM_WATCHED_BY"
"""Environment variable with the number of the descriptor that the watching process reads."""

# However the process dies, the kernel closes the pipe. In the background, so that the process under
# watch, which becomes a JVM, gets no child that it does not know.
_WATCH = (
    'exec 3<&0; { read -r word <&3; [ -n "$word" ] || printf "%s\\n" "$1" >&2; } 2>&2 >/dev/null &'
)
_DISMISSED = b"dismissed\n"


@contextmanager
def told_when_killed(program: str) -> Iterator[None]:
    """A block that may become another program; its sudden end is told on standard error.

    Args:
        program: what the line begins with.
    """
    read, write = os.pipe()
    line = (
        f"{program}: ended before the job had begun, by a signal or by Spark, whose reason is "
        "above or in spark.log; nothing was read or written"
    )
    with suppress(OSError):
        subprocess.run(
            ["/bin/sh", "-c", _WATCH, "watch", line],
            stdin=read,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
            check=False,
        )
    os.close(read)
    os.set_inheritable(write, True)
    os.environ[VARIABLE] = str(write)
    try:
        yield
    finally:
        dismiss()


def dismiss() -> None:
    """Ends the watch of this process, if there is one."""
    if number := os.environ.pop(VARIABLE, ""):
        with suppress(OSError):
            os.write(int(number), _DISMISSED)
            os.close(int(number))


@contextmanager
def heeding_signals() -> Iterator[None]:
    """A block that a request to stop ends, until somebody else listens.

    Below spark-submit it is the JVM that gets the signals.

    Raises:
        StoppedError: SIGTERM, SIGHUP or Ctrl-C.
    """
    numbers = [
        number
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
        if signal.getsignal(number) is not signal.SIG_IGN
    ]
    try:
        for number in numbers:
            signal.signal(number, _stop)
        if is_below_spark_submit():
            _heed_jvm()
        yield
    except _Stop as stop:
        raise StoppedError(stop.number) from None


class _Stop(SystemExit):
    """No Exception, which a call into the JVM would take for one of its own."""

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)
        self.number = number


def _stop(number: int, frame: FrameType | None) -> None:
    # One press of Ctrl-C reaches both processes; what comes now is let end.
    for other in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(other, signal.SIG_IGN)
    raise _Stop(number)


def _heed_jvm() -> None:
    from pyspark import SparkContext

    from stream_telemetry.driver_jvm import handle_in_jvm

    SparkContext._ensure_initialized()
    gateway = SparkContext._gateway
    assert gateway is not None
    handle_in_jvm(gateway, lambda name: os.kill(os.getpid(), getattr(signal, f"SIG{name}")))
    if number := os.environ.pop(VARIABLE, ""):
        # The descriptor is the JVM's; this process has not inherited it.
        out = gateway.jvm.java.io.FileOutputStream(f"/dev/fd/{number}")
        out.write(bytearray(_DISMISSED))
        out.close()
