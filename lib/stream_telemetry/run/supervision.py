"""Starts a query again when it fails, as long as it makes progress."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pyspark.errors import StreamingQueryException
from pyspark.sql.streaming.query import StreamingQuery

from stream_telemetry.process.stop_signals import StopSignals
from stream_telemetry.run.causes import root_cause


@dataclass(frozen=True)
class Restarts:
    """How often, and how soon, a failed query is started again.

    Attributes:
        limit: restarts without progress between them; one more failure is final.
        first: seconds until the first one; each further one waits twice as long.
        longest: seconds that no wait exceeds.
    """

    limit: int
    first: float = 1.0
    longest: float = 60.0

    def wait(self, number: int) -> float:
        """Seconds to wait before restart `number`, counted from 1 since the last progress."""
        # The exponent is capped, because a float overflows at 1,024.
        return min(self.longest, self.first * 2.0 ** min(number - 1, 30))


@dataclass(frozen=True)
class Restart:
    """A restart that is about to be.

    Attributes:
        number: restarts since the query last made progress, this one included.
        limit: how many of those there may be.
        seconds: to wait before it.
        cause: what ended the query.
        reason: the root of that, for people.
    """

    number: int
    limit: int
    seconds: float
    cause: StreamingQueryException
    reason: str


def supervise(
    start: Callable[[], StreamingQuery],
    stay: Callable[[StreamingQuery], bool],
    signals: StopSignals,
    restarts: Restarts,
    on_failure: Callable[[Restart], None],
) -> None:
    """Runs a query until it has ended by itself, or has been stopped on request.

    A query that fails goes on from its checkpoint, so nothing is lost; what its last batch has
    written already is written again. Progress is a batch that was committed.

    Args:
        start: starts the query.
        stay: returns when the query has ended or was stopped, and raises what it failed with;
            true when it was stopped only to be started again, which is no failure.
        signals: listened to already; a request ends the wait for a restart at once.
        restarts: how often and how soon.
        on_failure: called before each wait; what it raises ends the run, so it tells failures that
            can pass from those that cannot.

    Raises:
        StreamingQueryException: the query failed once more than the limit allows.
    """
    number = 0
    while True:
        query = start()
        try:
            if stay(query):
                continue
            return
        except StreamingQueryException as error:
            if signals.is_asked:
                return
            number = 1 if query.lastProgress else number + 1
            wait, reason = restarts.wait(number), str(root_cause(error))
            restart = Restart(number, restarts.limit, wait, error, reason)
            if number > restarts.limit:
                raise
        on_failure(restart)
        if signals.wait(restart.seconds):
            return
