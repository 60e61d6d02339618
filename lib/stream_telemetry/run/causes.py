"""Why something failed: the causes of an error, whichever side of the JVM's border they are on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from py4j.protocol import Py4JError, Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.errors.exceptions.captured import CapturedException

SPARK_ERRORS = (Py4JJavaError, PySparkException)
"""What a call into Spark raises when Spark itself fails; a JVM that is gone shows as others."""
_DEPTH = 20
"""No chain of causes is longer, unless it is a circle."""
_MESSAGE_CHARS = 400


class Cause(NamedTuple):
    """One error in the chain of those that led to each other.

    Attributes:
        kind: name of its class; of one of Java's with the package.
        message: its own first line; may be empty.
    """

    kind: str
    message: str

    @property
    def name(self) -> str:
        """The class without its package."""
        return self.kind.rpartition(".")[2].rpartition("$")[2]

    def __str__(self) -> str:
        """As a line for people."""
        return f"{self.name}: {self.message}" if self.message else self.name


def causes_of(error: BaseException) -> list[Cause]:
    """The error and what led to it, the root last.

    Of an error that came out of the JVM the causes are Java's; the one that Python wraps around
    them says nothing of its own.
    """
    found: list[Cause] = []
    python: BaseException | None = error
    while python is not None and len(found) < _DEPTH:
        java = _java_exception(python)
        found += _java_causes(java) if java is not None else [_cause(python)]
        # Not `__context__`, which is often an error that was already dealt with.
        python = python.__cause__ if java is None else None
    return found


def root_cause(error: BaseException) -> Cause:
    """The last of `causes_of`."""
    return causes_of(error)[-1]


def _cause(error: BaseException) -> Cause:
    return Cause(type(error).__name__, _first_line(str(error)))


def _java_exception(error: BaseException) -> Any | None:
    if isinstance(error, Py4JJavaError):
        return error.java_exception
    # pyspark turns some of Java's exceptions into its own, and keeps the original.
    return getattr(error, "_origin", None) if isinstance(error, PySparkException) else None


def _java_causes(exception: Any) -> list[Cause]:
    found: list[Cause] = []
    try:
        for _ in range(_DEPTH):
            if exception is None:
                break
            said = _first_line(str(exception.getMessage() or ""))
            found.append(Cause(str(exception.getClass().getName()), said))
            exception = exception.getCause()
    except (Py4JError, ConnectionError) as error:
        # A JVM that is gone does not answer; what it said before is kept.
        if not found:
            found.append(_cause(error))
    return found


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0][:_MESSAGE_CHARS]


@contextmanager
def java_errors_as(make: Callable[[Cause], Exception]) -> Iterator[None]:
    """Turns what Java throws in the block into what `make` makes of its root cause.

    A JVM that is gone shows as Py4J's own error, which is left as it is.
    """
    try:
        yield
    # With a session, pyspark has some of Java's exceptions as its own.
    except (Py4JJavaError, CapturedException) as error:
        raise make(root_cause(error)) from error
