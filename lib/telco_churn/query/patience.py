"""What is told while a cluster keeps the job waiting, and when it has waited long enough."""

from __future__ import annotations

import json
import logging
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from stream_telemetry.driver_jvm import Interruption
from stream_telemetry.logs.settings import JVM_LOG
from telco_churn import LOGGER
from telco_churn.errors import QueryFailedError

FIRST_WORD_SECONDS = 10.0
_REPEAT_SECONDS = 60.0
_TAIL_BYTES = 20_000

log = logging.getLogger(LOGGER)


@contextmanager
def awaited(master: str, limit: float) -> Iterator[None]:
    """A block of the main thread in which a cluster is waited for; what keeps it is logged.

    Args:
        master: of the cluster.
        limit: seconds that the block may take.

    Raises:
        QueryFailedError: it has taken longer.
    """
    began = time.monotonic()

    def on_alarm(number: int, frame: FrameType | None) -> None:
        """Says what is waited for, or ends the wait."""
        waited = time.monotonic() - began
        if waited >= limit:
            raise _TimeUp
        log.warning(
            "%s has given the job no executor in %.0f s%s; the job ends after %.0f s",
            *(master, waited, _reason(), limit),
        )
        signal.setitimer(signal.ITIMER_REAL, max(0.1, min(_REPEAT_SECONDS, limit - waited)))

    before = signal.signal(signal.SIGALRM, on_alarm)
    signal.setitimer(signal.ITIMER_REAL, min(FIRST_WORD_SECONDS, limit))
    try:
        yield
    except _TimeUp:
        raise QueryFailedError(
            f"{master} has given the job no executor in {limit:.0f} s{_reason()}; see its page, "
            "make room for what the job asks for, or set a longer --start-timeout"
        ) from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


class _TimeUp(Interruption):
    pass


def _reason() -> str:
    """What Spark last complained of, as a clause; only its log has it."""
    # As conf/log4j2.properties names it.
    name = os.environ.get(JVM_LOG, "spark") + ".log"
    path = Path(os.environ.get("CHURN_STREAM_LOG_DIR", "logs"), name)
    with suppress(OSError, ValueError, KeyError):
        tail = path.read_bytes()[-_TAIL_BYTES:].decode(errors="replace").splitlines()
        said = [json.loads(line) for line in tail if ".scheduler." in line and line[:1] == "{"]
        if said:
            return f" (Spark: {said[-1]['message']})"
    return ""
