"""Which batch a record was in, told by its place in the source."""

from __future__ import annotations

import threading
from collections import deque

from stream_telemetry.batch.progress import Positions
from stream_telemetry.broker.read import RecordAddress

_KEPT_BATCHES = 200


class BatchHistory:
    """The latest completed batches, and how far each had come."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._batches: deque[tuple[int, Positions]] = deque()
        self._before: Positions = {}

    def add(self, number: int, positions: Positions) -> None:
        """Notes a completed batch.

        Args:
            number: of the batch.
            positions: the next offset of each (topic, partition) after it.
        """
        with self._lock:
            self._batches.append((number, positions))
            if len(self._batches) > _KEPT_BATCHES:
                _, self._before = self._batches.popleft()

    def find(self, record: RecordAddress) -> int | None:
        """The batch that held a record; None if it is not completed, or was too long ago."""
        topic, partition, offset = record
        with self._lock:
            # Mostly asked about the newest, whose predecessor says where it began.
            found = None
            for number, positions in reversed(self._batches):
                if positions.get((topic, partition), 0) <= offset:
                    return found
                found = number
            return found if self._before.get((topic, partition), 0) <= offset else None
