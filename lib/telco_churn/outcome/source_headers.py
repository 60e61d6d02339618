"""The headers of an output record: the job's own, which name the event that it answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from stream_telemetry.broker.read import RecordAddress

TOPIC: Final = "source_topic"
PARTITION: Final = "source_partition"
OFFSET: Final = "source_offset"
TIMESTAMP: Final = "source_timestamp"
LATENCY: Final = "latency_ms"


def time_of_source(headers: Mapping[str, str]) -> int | None:
    """The event's timestamp in milliseconds, -1 for none; None where the headers do not tell."""
    text = headers.get(TIMESTAMP, "")
    return int(text) if text.removeprefix("-").isdecimal() else None


def source_of(headers: Mapping[str, str]) -> RecordAddress | None:
    """The address of the event; None where the headers do not name one."""
    topic, partition, offset = (headers.get(name, "") for name in (TOPIC, PARTITION, OFFSET))
    if not (topic and partition.isdecimal() and offset.isdecimal()):
        return None
    return RecordAddress(topic, int(partition), int(offset))
