"""What the log says of the query as a whole: starts, batches, changes of health, ends."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping

from stream_telemetry.batch.progress import Batch
from stream_telemetry.run.supervision import Restart


class QueryLog:
    """Writes the lines of one query, each with the query's name, its run and its batch."""

    def __init__(self, logger: str, query: str) -> None:
        self._log = logging.getLogger(logger)
        self._query = query
        self._run_id: str | None = None
        self._batch_id: int | None = None
        self._state = "starting"
        self._lock = threading.Lock()

    @property
    def context(self) -> dict[str, object]:
        """The fields that every line has; what is not known yet is null."""
        return {"query": self._query, "run_id": self._run_id}

    def started(self, run_id: str) -> None:
        """A run has begun, the first one or one after a failure."""
        again = "" if self._run_id is None else " again"
        self._run_id = run_id
        self._write(logging.INFO, "query %s started%s", self._query, again)

    def batch(self, batch: Batch, lag: int | None) -> None:
        """A batch is complete.

        Args:
            batch: what it did.
            lag: records that still wait, if the broker has told.
        """
        self._batch_id = batch.number
        rate = batch.records_read / batch.seconds if batch.seconds > 0 else 0.0
        self._write(
            logging.INFO,
            "batch %d: %d read, %d good, %d failed, %.2f s, %.0f a second, lag %s",
            batch.number,
            batch.records_read,
            batch.observed.succeeded,
            batch.records_failed,
            batch.seconds,
            rate,
            "unknown" if lag is None else lag,
            fields={
                "records_read": batch.records_read,
                "records_succeeded": batch.observed.succeeded,
                "records_failed": batch.records_failed,
                "duration_seconds": batch.seconds,
                "records_per_second": round(rate, 1),
                "lag": lag,
            },
        )

    def ended(self, exception: str | None) -> None:
        """A run is over."""
        if exception is None:
            self._write(logging.INFO, "query %s ended", self._query)
        else:
            # The rest of Spark's message is a stack trace and the whole plan.
            first = next(iter(exception.splitlines()), "")
            self._write(logging.ERROR, "query %s failed: %s", self._query, first)

    def restarting(self, restart: Restart) -> None:
        """A run has failed, and another one will begin after a while."""
        self._write(
            logging.WARNING,
            "restart %d of %d in %.0f s, the query failed: %s",
            *(restart.number, restart.limit, restart.seconds, restart.reason),
            fields={"restart": restart.number, "wait_seconds": restart.seconds},
        )

    def clock_set(self, seconds: float, *, is_misled: bool) -> None:
        """The wall clock was set.

        Args:
            seconds: ahead; negative for back.
            is_misled: whether the query waits by it, and is started again for that.
        """
        self._write(
            logging.WARNING,
            "the wall clock was set %s by %.0f s%s",
            "back" if seconds < 0 else "ahead",
            abs(seconds),
            ", and the query waits by it for its next batch: it is started again"
            if is_misled
            else "; times of that moment are off by as much",
            fields={"clock_step_seconds": round(seconds, 3)},
        )

    def health(self, state: str, checks: Mapping[str, str]) -> None:
        """Writes a line if the state has changed."""
        with self._lock:
            before, self._state = self._state, state
        # A quiet topic switches between these two all day.
        if state == before or {state, before} == {"running", "idle"}:
            return
        is_worse = state in ("stalled", "slow_sink", "lagging", "failed")
        self._write(
            logging.WARNING if is_worse else logging.INFO,
            "health: %s, was %s",
            state,
            before,
            fields={"state": state, "checks": dict(checks)},
        )

    def _write(
        self,
        level: int,
        message: str,
        *values: object,
        fields: Mapping[str, object] | None = None,
    ) -> None:
        extra = {**self.context, "batch_id": self._batch_id, **(fields or {})}
        # `stacklevel`, so that the line names the method that has something to say, not this one.
        self._log.log(level, message, *values, extra=extra, stacklevel=2)
