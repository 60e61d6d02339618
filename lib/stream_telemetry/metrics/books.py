"""The books of a run: what was read, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass

from stream_telemetry.metrics import catalogue
from stream_telemetry.metrics.store import MetricStore


@dataclass(frozen=True)
class Books:
    """Records, summed up over the batches of a run.

    Attributes:
        read: Spark says that it has read.
        succeeded: left the plan as good ones.
        failed: left it as dead letters.
        unaccounted: were read but did not leave, or the other way round, batch by batch.
        lost: Kafka had deleted before they were read.
        unread_events: of Spark, whose figures are missing here.
    """

    read: int = 0
    succeeded: int = 0
    failed: int = 0
    unaccounted: int = 0
    lost: int = 0
    unread_events: int = 0

    @property
    def is_balanced(self) -> bool:
        """Whether every record that was read is known to have left."""
        return not self.unaccounted and not self.unread_events

    def __str__(self) -> str:
        """As a line for people."""
        return (
            f"{self.read} read, {self.succeeded} good, {self.failed} failed, "
            f"{self.unaccounted} unaccounted for, {self.lost} lost"
        )


def books_of(store: MetricStore, topic: str) -> Books:
    """The books of a topic's records, as the metrics have them."""
    return Books(
        read=int(store.total(catalogue.RECORDS_READ)),
        succeeded=int(store.value(catalogue.PROCESSED, "success", topic)),
        failed=int(store.value(catalogue.PROCESSED, "failed", topic)),
        unaccounted=int(store.total(catalogue.UNACCOUNTED)),
        lost=int(store.total(catalogue.RECORDS_LOST)),
        unread_events=int(store.total(catalogue.LISTENER_ERRORS)),
    )
