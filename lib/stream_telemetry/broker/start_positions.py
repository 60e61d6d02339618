"""Where a query will begin to read, known before its first batch has ended."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from stream_telemetry.batch.progress import Positions, read_positions
from stream_telemetry.broker.offsets import Bounds

_EARLIEST, _LATEST = -2, -1
"""Spark's way to write them in JSON (Spark Kafka guide, `startingOffsets`)."""


def resume_positions(
    checkpoint: str, starting_offsets: str, committed: Callable[[], Positions]
) -> Callable[[Bounds], Positions]:
    """A function that gives the positions, once the topic's bounds are known.

    The checkpoint decides, as it does for Spark. One that is elsewhere (a URI) is not read: what
    the consumer group has committed stands in for it, and is at most a batch behind.

    Args:
        checkpoint: directory or URI of the query's checkpoint.
        starting_offsets: what Spark is told for a new checkpoint.
        committed: asks for the positions of the consumer group.
    """

    def resume(bounds: Bounds) -> Positions:
        if "://" in checkpoint and (positions := committed()):
            return positions
        if "://" not in checkpoint and (positions := checkpoint_positions(Path(checkpoint))):
            return positions
        return _starting(starting_offsets, bounds)

    return resume


def checkpoint_positions(checkpoint: Path) -> Positions:
    """What the newest committed batch had reached; empty when there is none that can be read."""
    try:
        commits = [int(f.name) for f in (checkpoint / "commits").iterdir() if f.name.isdigit()]
        log = (checkpoint / "offsets" / str(max(commits))).read_text(encoding="utf-8")
        # A version, the batch's own settings, then a line for each source.
        return read_positions(log.splitlines()[2])
    except (OSError, ValueError, IndexError):
        return {}


def _starting(starting_offsets: str, bounds: Bounds) -> Positions:
    if starting_offsets == "earliest":
        return bounds.beginnings
    if starting_offsets == "latest":
        return bounds.ends
    wanted: Mapping[str, Mapping[str, int]] = json.loads(starting_offsets)
    special: dict[int, Positions] = {_EARLIEST: bounds.beginnings, _LATEST: bounds.ends}
    return {
        (topic, partition): special.get(offset, {}).get((topic, partition), offset)
        for topic, partitions in wanted.items()
        for partition, offset in ((int(p), o) for p, o in partitions.items())
        if (topic, partition) in bounds.ends
    }
