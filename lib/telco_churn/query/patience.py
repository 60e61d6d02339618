"""How long a cluster may leave the job without an executor, and what is told meanwhile."""

from __future__ import annotations

import json
import logging
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Self

from pyspark.sql import SparkSession

from stream_telemetry.logs.settings import JVM_LOG
from stream_telemetry.process.driver_jvm import Interruption
from stream_telemetry.run.causes import SPARK_ERRORS
from telco_churn import LOGGER
from telco_churn.errors import QueryFailedError, SettingsError

FIRST_WORD_SECONDS = 10.0
_REPEAT_SECONDS = 60.0
_TAIL_BYTES = 20_000
_BEGIN = datetime.now(UTC).isoformat(timespec="milliseconds")
"""Earlier lines in Spark's log are of another run."""

_END = "Application has been killed. Reason: "
"""How a scheduler that talks to a standalone master begins its last words."""
_REMEDIES = {
    "unresponsive": "see whether it runs, and whether this machine reaches it under that name",
    "KILLED": "somebody has ended it, by the master's page or its API",
    "FAILED": "its executors end again and again; their output is on the workers' pages",
}
"""What to do, by a word of the reason."""

log = logging.getLogger(LOGGER)


@contextmanager
def awaited(master: str, limit: float) -> Iterator[None]:
    """A block of the main thread in which a cluster is waited for; what keeps it is logged.

    Args:
        master: of the cluster.
        limit: seconds that the block may take.

    Raises:
        QueryFailedError: it has taken longer, or the cluster has ended Spark meanwhile.
    """
    began, is_up = time.monotonic(), False

    def on_alarm(number: int, frame: FrameType | None) -> None:
        """Says what is waited for, or ends the wait."""
        nonlocal is_up
        waited = time.monotonic() - began
        if waited >= limit:
            is_up = True
            raise Interruption
        log.warning(
            "%s has given the job no executor in %.0f s%s; the job ends after %.0f s",
            *(master, waited, _reason(), limit),
        )
        signal.setitimer(signal.ITIMER_REAL, max(0.1, min(_REPEAT_SECONDS, limit - waited)))

    before = signal.signal(signal.SIGALRM, on_alarm)
    signal.setitimer(signal.ITIMER_REAL, min(FIRST_WORD_SECONDS, limit))
    try:
        yield
    except BaseException as error:
        # On its way out the code may fail at what it tidies up, by the connection that is gone.
        if is_up:
            raise QueryFailedError(
                f"{master} has given the job no executor in {limit:.0f} s{_reason()}; see its "
                "page, make room for what the job asks for, or set a longer --start-timeout"
            ) from None
        # All that Spark itself says is that its context was stopped.
        if isinstance(error, (SettingsError, *SPARK_ERRORS)) and (end := why_ended()):
            raise QueryFailedError(f"{master} does not run the job: {end}") from error
        raise
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


class ExecutorWatch:
    """Ends a run whose cluster has left it without an executor, which Spark waits out for ever.

    So it is after a standalone master has lost its memory: it ends the executors of a job that it
    does not know, and the job never hears of it.
    """

    def __init__(self, master: str, limit: float, is_missed: Callable[[], bool]) -> None:
        """Begins with executors.

        Args:
            master: of the cluster.
            limit: seconds without one that end the run.
            is_missed: whether there is none, though there is work.
        """
        self._master = master
        self._limit = limit
        self._is_missed = is_missed
        self._since: float | None = None

    @classmethod
    def of(cls, spark: SparkSession, limit: float) -> Self:
        """The watch of a session's executors."""
        return cls(str(spark.sparkContext.master), limit, lambda: misses_executor(spark))

    def check(self) -> None:
        """Looks; to be called again and again while no batch ends.

        Raises:
            QueryFailedError: there has been no executor for too long.
        """
        if not self._is_missed():
            self._since = None
            return
        self._since = self._since or time.monotonic()
        gone = time.monotonic() - self._since
        if gone >= self._limit:
            raise QueryFailedError(
                f"{self._master} has left the job without an executor for {gone:.0f} s{_reason()}; "
                "see its page, and start the job again: it goes on from its checkpoint"
            )
        log.warning(
            "%s has left the job without an executor%s; the job ends after %.0f s of that",
            *(self._master, _reason(), self._limit),
        )


def misses_executor(spark: SparkSession) -> bool:
    """Whether there is work, and no executor to do it.

    Without work there need be none: a cluster may take back those that are idle.
    """
    context = spark.sparkContext
    scala = context._jsc.sc()
    # The driver is one of those that report their memory, and locally the only one.
    return (
        not scala.isLocal()
        and scala.getExecutorMemoryStatus().size() <= 1
        and bool(context.statusTracker().getActiveStageIds())
    )


def why_ended() -> str:
    """Why a cluster has ended Spark, with what to do; empty where Spark's log does not say."""
    for line in reversed(_said(".scheduler.")):
        _, is_end, reason = line.partition(_END)
        if is_end:
            remedies = [remedy for word, remedy in _REMEDIES.items() if word in reason]
            return "; ".join([reason.rstrip(". "), *remedies])
    return ""


def _reason() -> str:
    """What Spark last complained of, as a clause; only its log has it."""
    said = _said(".scheduler.", ".deploy.client.")
    return f" (Spark: {said[-1]})" if said else ""


def _said(*loggers: str) -> list[str]:
    """The newest messages of this run, by parts of their loggers' names."""
    # As conf/log4j2.properties names it.
    name = os.environ.get(JVM_LOG, "spark") + ".log"
    path = Path(os.environ.get("CHURN_STREAM_LOG_DIR", "logs"), name)
    tail = b""
    with suppress(OSError):
        tail = path.read_bytes()[-_TAIL_BYTES:]
    found = []
    for text in tail.decode(errors="replace").splitlines():
        # The first one may have lost its beginning.
        with suppress(ValueError, TypeError, KeyError):
            line = json.loads(text)
            # The same form but for the zone, which is UTC in both.
            is_new = line["timestamp"][:23] >= _BEGIN[:23]
            if is_new and any(part in line["logger"] for part in loggers):
                found.append(str(line["message"]))
    return found
