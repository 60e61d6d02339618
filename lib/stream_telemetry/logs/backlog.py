"""Lines that wait for their turn: a bounded number, and failures before the rest."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from stream_telemetry.broker.read import RecordAddress

LEVELS = {"failed": logging.ERROR, "success": logging.INFO}
"""Highest level that a record's line can have, by the status of its topic."""


@dataclass(frozen=True)
class RecordLine:
    """What the log says of one record.

    Attributes:
        status: success or failed.
        level: of the line.
        message: for people; nothing in it comes from the record itself.
        fields: for machines.
        source: the record that it answers, if it is known.
        received: when it was read from the output topic, by the monotonic clock, in seconds.
    """

    status: str
    level: int
    message: str
    fields: Mapping[str, object] = field(default_factory=dict)
    source: RecordAddress | None = None
    received: float = 0.0


class Backlog:
    """Two queues of lines; when there is no room, those of successes go first."""

    def __init__(self, room: int) -> None:
        self._room = room
        # In this order: `first` and `pop` ask the failures first.
        self._queues: dict[str, deque[RecordLine]] = {"failed": deque(), "success": deque()}
        self.dropped = {"failed": 0, "success": 0}

    def __len__(self) -> int:
        return sum(map(len, self._queues.values()))

    def has_room(self, status: str) -> bool:
        """Makes room for a line if it can; else the line counts as dropped."""
        if len(self) < self._room:
            return True
        successes = self._queues["success"]
        if status == "failed" and successes:
            successes.popleft()
            self.dropped["success"] += 1
            return True
        self.dropped[status] += 1
        return False

    def add(self, line: RecordLine) -> None:
        """Takes a line in."""
        self._queues[line.status].append(line)

    def first(self) -> RecordLine | None:
        """The line whose turn it is, left where it is."""
        return next((queue[0] for queue in self._queues.values() if queue), None)

    def pop(self) -> RecordLine:
        """The line whose turn it is, taken out."""
        return next(queue for queue in self._queues.values() if queue).popleft()

    def drop_all(self) -> None:
        """Gives up what still waits."""
        for status, queue in self._queues.items():
            self.dropped[status] += len(queue)
            queue.clear()

    def take_dropped(self) -> dict[str, int]:
        """How many lines of each status were dropped since this was last asked."""
        dropped, self.dropped = self.dropped, {"failed": 0, "success": 0}
        return dropped
