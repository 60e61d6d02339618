"""One batch, as Spark's progress event and the plan's own observation tell of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from pyspark.sql.streaming.listener import StreamingQueryProgress

from stream_telemetry.batch.observation import Observation, Observed

Positions = Mapping[tuple[str, int], int]
"""The next offset to read of each (topic, partition)."""


@dataclass(frozen=True)
class Batch:
    """A completed batch."""

    number: int
    started: float  # seconds since 1970
    seconds: float
    phases: Mapping[str, float]  # seconds, by Spark's name
    records_read: int
    observed: Observed
    positions: Positions

    @property
    def ended(self) -> float:
        """When it ended, in seconds since 1970."""
        return self.started + self.seconds

    @property
    def records_failed(self) -> int:
        """Records that became dead letters."""
        return sum(self.observed.failed.values())

    def within(self, longest: float) -> Batch:
        """The same with times that can be; Spark takes them by the wall clock, which may be set.

        Args:
            longest: seconds that nothing in it can have exceeded.
        """
        phases = {name: min(max(0.0, took), longest) for name, took in self.phases.items()}
        return replace(self, seconds=min(max(0.0, self.seconds), longest), phases=phases)


def read_batch(progress: StreamingQueryProgress, observation: Observation) -> Batch:
    """The batch that a progress event reports.

    Raises:
        ValueError: the event is not shaped as Spark's are.
    """
    phases = {name: milliseconds / 1000 for name, milliseconds in progress.durationMs.items()}
    positions: dict[tuple[str, int], int] = {}
    for source in progress.sources:
        positions |= read_positions(source.endOffset)
    return Batch(
        number=progress.batchId,
        started=datetime.fromisoformat(progress.timestamp).timestamp(),
        seconds=phases.get("triggerExecution", 0.0),
        phases=phases,
        records_read=progress.numInputRows,
        observed=observation.read_all(read_rows(progress)),
        positions=positions,
    )


def read_rows(progress: StreamingQueryProgress) -> dict[str, dict[str, Any]]:
    """What each `observe()` of the plan has computed in a batch, by its name."""
    return {name: row.asDict() for name, row in progress.observedMetrics.items()}


def read_positions(offsets: str | None) -> Positions:
    """Positions from the JSON that Spark writes for a Kafka source: `{"topic":{"0":42}}`.

    Raises:
        ValueError: it is other JSON, or none.
    """
    topics = json.loads(offsets) if offsets else {}
    if not isinstance(topics, dict) or not all(isinstance(p, dict) for p in topics.values()):
        raise ValueError(f"{offsets!r} are not the offsets of a Kafka source")
    return {
        (topic, int(partition)): int(offset)
        for topic, partitions in topics.items()
        for partition, offset in partitions.items()
    }
