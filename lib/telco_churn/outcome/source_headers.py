"""The headers of an output record: the job's own, which name the event that it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from stream_telemetry.broker.read import RecordAddress

TOPIC: Final = "source_topic"
PARTITION: Final = "source_partition"
OFFSET: Final = "source_offset"
TIMESTAMP: Final = "source_timestamp"
LATENCY: Final = "latency_ms"
RETRY_COUNT: Final = "retry_count"
"""A header of an event that was sent in again: how often that was done."""

_OWN: Final = (TOPIC, PARTITION, OFFSET, TIMESTAMP, LATENCY)


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


def is_from(headers: object, topic: bytes) -> bool:
    """Whether the headers, as a client gives them, surely name an event of this topic.

    It is asked of each record of a backlog; to read all headers takes five times as long.
    """
    if not isinstance(headers, list) or len(headers) < len(_OWN):
        return False
    (first, of), (second, partition), (third, offset), (fourth, _), (fifth, _) = headers[-5:]
    return (
        (first, second, third, fourth, fifth) == _OWN
        and of == topic
        and isinstance(partition, bytes)
        and isinstance(offset, bytes)
        and partition.isdigit()
        and offset.isdigit()
    )


def without_own(
    headers: Sequence[tuple[str, bytes | None]],
) -> list[tuple[str, bytes | None]]:
    """The headers that came with the event: all but the job's own, which stand behind them.

    An event that was an output record itself keeps those of the same names that it brought along.
    """
    theirs, own = headers[: -len(_OWN)], headers[-len(_OWN) :]
    return list(theirs if tuple(name for name, _ in own) == _OWN else headers)
