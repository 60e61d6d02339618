"""What sends each batch's figures to somewhere else, from a thread of its own."""

from __future__ import annotations

from typing import Protocol

from stream_telemetry.batch.progress import Batch


class Sender(Protocol):
    """Takes what the query does and never waits; nobody but itself cares whether it arrives."""

    def start(self) -> None:
        """Begins to send."""

    def put(self, batch: Batch) -> None:
        """Takes a completed batch."""

    def failed(self, reason: str) -> None:
        """Takes the end of a run by an error, in one line."""

    def finish(self) -> None:
        """Sends what is left, as far as that can be done in seconds, and ends."""
