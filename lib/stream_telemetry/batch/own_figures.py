"""What a query tells of its batches that no other query does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from stream_telemetry.metrics.store import MetricStore


class OwnFigures(Protocol):
    """Makes metrics of what a plan has observed under names of its own."""

    def declare(self, store: MetricStore) -> None:
        """Makes the counters exist, before the first batch."""

    def take(self, rows: Mapping[str, Mapping[str, Any]], store: MetricStore) -> None:
        """Adds a batch; called on the telemetry's own thread.

        Args:
            rows: what each `observe()` of the plan has computed, by its name.
            store: of the metrics.
        """

    def show(self, store: MetricStore) -> None:
        """Sets the figures as they are at this moment, before a scrape; on any thread."""
