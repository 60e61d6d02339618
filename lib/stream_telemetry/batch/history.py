"""Which batch a record was in, told by its place in the source."""

from __future__ import annotations

import threading
from collections import deque

from stream_telemetry.batch.progress import Positions

_KEPT_BATCHES = 200


class BatchHistory:
    """The latest completed batches, and how far each had come."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._batches: deque[tuple[int, Positions]] = deque(maxlen=_KEPT_BATCHES)

    def add(self, number: int, positions: Positions) -> None:
        """Notes a completed batch.

        Args:
            number: of the batch.
            positions: the next offset of each (topic, partition) after it.
        """
        with self._lock:
            self._batches.append((number, positions))

    def find(self, topic: str, partition: int, offset: int) -> int | None:
        """The batch that held this record; None as long as it is not completed."""
        with self._lock:
            # Mostly asked about the newest, whose predecessor says where it began.
            found = None
            for number, positions in reversed(self._batches):
                if positions.get((topic, partition), 0) <= offset:
                    break
                found = number
            return found
