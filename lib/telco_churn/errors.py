"""What can go wrong for a user, one class for each exit code.

ChurnStreamError
├── SettingsError           exit 2   the user's settings
├── ModelError              exit 3   the model's files
├── KafkaUnavailableError   exit 4   the broker, or a topic that is not there
├── QueryFailedError        exit 5   the running query
├── SourceDataLostError     exit 6   records, or the place in them, that are gone
├── PoisonRecordError       exit 7   a record that Spark cannot pass
└── StoppedError            exit 128 and the signal's number: asked to stop before the query ran

A message is one line: what is wrong, the value seen, what to do.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Sequence
from importlib import import_module

from stream_telemetry.errors import TelemetryError


class ChurnStreamError(Exception):
    """Base of all errors that are reported in one line and end the process."""

    exit_code: int = 1


class SettingsError(ChurnStreamError):
    """A setting is unknown, malformed, or names something unusable on this machine."""

    exit_code = 2


class ModelError(ChurnStreamError):
    """The model is missing, does not match its manifest, or cannot be loaded."""

    exit_code = 3


class KafkaUnavailableError(ChurnStreamError):
    """No broker answers, or a topic does not exist."""

    exit_code = 4


class TopicError(KafkaUnavailableError):
    """The broker answers, but a topic is not there, or not fit for the job."""


class QueryFailedError(ChurnStreamError):
    """The streaming query ended with an error."""

    exit_code = 5


class SourceDataLostError(ChurnStreamError):
    """Kafka no longer has the offsets that come next: retention, or a topic made anew."""

    exit_code = 6


class CheckpointLostError(SourceDataLostError):
    """The checkpoint no longer says where the query was; it must not begin anew by itself."""


class PoisonRecordError(ChurnStreamError):
    """A record that Spark itself cannot read blocks its partition."""

    exit_code = 7


class StoppedError(ChurnStreamError):
    """Somebody has asked for a stop before the query ran; later, a stop is no error."""

    def __init__(self, number: int) -> None:
        """Takes the signal's number."""
        name = signal.Signals(number).name
        super().__init__(f"stopped by {name} before the query ran; nothing was read or written")
        self.exit_code = 128 + number


def exit_with(
    program: str, main: Callable[[Sequence[str]], object], arguments: Sequence[str]
) -> None:
    """Runs `main(arguments)`; ends the process with one line on stderr if a user's error stops it.

    Raises:
        SystemExit: with the error's exit code, or 130 after Ctrl-C.
    """
    past_jvm = _way_past_jvm()
    try:
        main(arguments)
    except (ChurnStreamError, TelemetryError) as error:
        _tell(f"{program}: {' '.join(str(error).split())}\n", past_jvm)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        _tell(f"{program}: interrupted\n", past_jvm)
        sys.exit(130)


def exit_with_main_of(module: str, program: str, arguments: Sequence[str]) -> None:
    """`exit_with` for the `main` of a module, which is imported within.

    That takes seconds, and Ctrl-C in the midst of them is to be one line too.
    """

    def main(given: Sequence[str]) -> None:
        try:
            found = import_module(module)
        except KeyboardInterrupt:
            # The JVM has heard it too, and whoever watches that tells of it.
            if is_below_spark_submit():
                sys.exit(130)
            raise
        found.main(given)

    exit_with(program, main, arguments)


def _tell(line: str, past_jvm: int | None) -> None:
    """Writes to standard error, also below `spark-submit`.

    That sends both outputs of its Python process to its own standard output, so there the line goes
    through the JVM, or past it when it is gone.
    """
    if is_below_spark_submit():
        from py4j.protocol import Py4JError
        from pyspark.java_gateway import launch_gateway

        try:
            launch_gateway().jvm.java.lang.System.err.print(line)
            return
        except (Py4JError, OSError):
            pass
    # The reader of standard error may be gone.
    with contextlib.suppress(OSError):
        if past_jvm is not None:
            os.write(past_jvm, line.encode())
            return
        sys.stderr.write(line)
        sys.stderr.flush()


def _way_past_jvm() -> int | None:
    """The standard error of the JVM above this process, opened while there is one to ask.

    Only Linux has a name for it; elsewhere the last words of a job whose JVM is killed are in the
    log alone.
    """
    if is_below_spark_submit():
        with contextlib.suppress(OSError):
            name = f"/proc/{os.getppid()}/fd/2"
            return os.open(name, os.O_WRONLY | os.O_APPEND | os.O_NOCTTY)
    return None


def is_below_spark_submit() -> bool:
    """Whether the JVM has started this process, and not the other way round."""
    return "PYSPARK_GATEWAY_PORT" in os.environ
