"""Where a query will begin to read, known before its first batch has ended."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from py4j.protocol import Py4JError

from stream_telemetry.batch.progress import Positions
from stream_telemetry.broker.partitions import Bounds
from stream_telemetry.checkpoint.files import CheckpointFileError, CheckpointFiles
from stream_telemetry.checkpoint.logs import UnknownFormatError, committed_positions

_EARLIEST, _LATEST = -2, -1
"""Spark's way to write them in JSON (Spark Kafka guide, `startingOffsets`)."""


def resume_positions(
    checkpoint: str, starting_offsets: str, committed: Callable[[], Positions]
) -> Callable[[Bounds], Positions]:
    """A function that gives the positions, once the topic's bounds are known.

    The checkpoint decides, as it does for Spark. If it cannot be read, what the consumer group has
    committed stands in for it, and is at most a batch behind.

    Args:
        checkpoint: directory or URI of the query's checkpoint.
        starting_offsets: what Spark is told for a new checkpoint.
        committed: asks for the positions of the consumer group.
    """

    def resume(bounds: Bounds) -> Positions:
        """The positions in a topic with these bounds."""
        positions = _checkpointed(checkpoint)
        if positions is None:
            positions = committed()
        return positions or _starting(starting_offsets, bounds)

    return resume


def _checkpointed(checkpoint: str) -> Positions | None:
    """What the newest batch that was done had reached; None when it cannot be read."""
    if not CheckpointFiles.can_connect():
        # A JVM that was started here would not be the one that the query's session asks for.
        return None
    try:
        return committed_positions(CheckpointFiles(checkpoint))
    except (CheckpointFileError, UnknownFormatError, ValueError, Py4JError, OSError):
        return None


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
