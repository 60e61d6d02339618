"""How long records have been seen to wait, whatever their timestamps say."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from itertools import islice

from stream_telemetry.batch.progress import Positions

_KEPT = 1000
"""Moments for each partition; older ones are thinned out, which makes records younger by little."""


class Sightings:
    """When the ends of partitions were first seen beyond a record.

    A producer whose clock is ahead, or a clock here that was set back, makes a record look younger
    than it is, even new; it cannot be younger than this.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Knows nothing yet.

        Args:
            clock: monotonic seconds.
        """
        self._clock = clock
        self._seen: dict[tuple[str, int], deque[tuple[int, float]]] = {}

    def note(self, ends: Positions, positions: Positions) -> None:
        """Takes in what the broker told.

        Args:
            ends: of each partition.
            positions: the next offset to read of each of them.
        """
        now = self._clock()
        for key, position in positions.items():
            seen = self._seen.setdefault(key, deque())
            if seen and ends[key] < seen[-1][0]:
                # Made anew: its offsets mean other records.
                seen.clear()
            while seen and seen[0][0] <= position:
                seen.popleft()
            if ends[key] > max(position, seen[-1][0] if seen else 0):
                seen.append((ends[key], now))
            if len(seen) > _KEPT:
                self._seen[key] = deque(islice(seen, 0, None, 2))

    def waited(self, key: tuple[str, int]) -> float:
        """Seconds for which a partition's next record has been there at least; 0 without one."""
        seen = self._seen.get(key)
        return self._clock() - seen[0][1] if seen else 0.0
