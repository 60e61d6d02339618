"""What happened lately: the latest batches, how the lag went, and the last refused records."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

from stream_telemetry.batch.progress import Batch
from stream_telemetry.logs.backlog import RecordLine

KEPT_BATCHES = 300
KEPT_LAGS = 400
"""One each three seconds: twenty minutes."""
KEPT_REFUSED = 20


@dataclass(frozen=True)
class Lag:
    """How far behind the query was.

    Attributes:
        at: when the broker told, by the monotonic clock, in seconds.
        records: that waited, in all partitions.
        oldest: age of the oldest of them in seconds, 0 for none.
    """

    at: float
    records: float
    oldest: float


@dataclass(frozen=True)
class Trend:
    """The least that waited lately, and before that.

    A batch lowers the lag at its end only, so a single look says nothing of where it goes.

    Attributes:
        low: records in the latest stretch of time.
        before: records in the stretch before it; None when that was not watched.
        seconds: length of a stretch.
    """

    low: float
    before: float | None
    seconds: float

    @property
    def per_second(self) -> float | None:
        """Records by which it falls in a second; negative when it grows."""
        return None if self.before is None else (self.before - self.low) / self.seconds


class Recent:
    """Written by the telemetry's threads, read by requests; never waits for anything."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Remembers nothing yet.

        Args:
            clock: monotonic, in seconds.
        """
        self._clock = clock
        self._lock = threading.Lock()
        self._batches: deque[tuple[float, Batch]] = deque(maxlen=KEPT_BATCHES)
        self._lags: deque[Lag] = deque(maxlen=KEPT_LAGS)
        self._refused: deque[tuple[float, RecordLine]] = deque(maxlen=KEPT_REFUSED)

    def add(self, batch: Batch) -> None:
        """Takes in a batch that has just ended."""
        with self._lock:
            # Positions of many partitions would be most of what is kept.
            self._batches.append((self._clock(), replace(batch, positions={})))

    def add_lag(self, records: float, oldest: float) -> None:
        """Takes in what the broker has just told."""
        with self._lock:
            self._lags.append(Lag(self._clock(), records, oldest))

    def refuse(self, line: RecordLine) -> None:
        """Takes in what is to be said of a record that was refused."""
        with self._lock:
            self._refused.append((time.time(), line))

    def batches(self, seconds: float = float("inf")) -> list[tuple[float, Batch]]:
        """The batches that ended in the last `seconds`, oldest first, each behind its end."""
        began = self._clock() - seconds
        with self._lock:
            return [(at, batch) for at, batch in self._batches if at > began]

    def lags(self, seconds: float = float("inf")) -> list[Lag]:
        """What the broker told in the last `seconds`, oldest first."""
        began = self._clock() - seconds
        with self._lock:
            return [lag for lag in self._lags if lag.at >= began]

    def latest_lag(self) -> Lag | None:
        """What the broker told last; None when it has not."""
        with self._lock:
            return self._lags[-1] if self._lags else None

    def refused(self) -> list[tuple[float, RecordLine]]:
        """The last refused records, newest first, each behind its time in seconds since 1970."""
        with self._lock:
            return [*reversed(self._refused)]

    def trend(self, seconds: float) -> Trend | None:
        """Where the lag goes, judged by stretches of `seconds`; None when nobody told lately."""
        middle = self._clock() - seconds
        lags = self.lags(2 * seconds)
        late = [lag.records for lag in lags if lag.at >= middle]
        early = [lag.records for lag in lags if lag.at < middle]
        if not late:
            return None
        # A stretch of which only the end was watched may not hold its lowest point.
        is_whole = bool(early) and lags[0].at <= middle - seconds * 0.8
        return Trend(min(late), min(early) if is_whole else None, seconds)
