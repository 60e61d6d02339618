"""The partitions of topics, and where each of them begins and ends."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from confluent_kafka import (
    OFFSET_BEGINNING,
    OFFSET_END,
    Consumer,
    KafkaError,
    KafkaException,
    TopicPartition,
)

from stream_telemetry.batch.progress import Positions

NO_TOPIC_ID = "AAAAAAAAAAAAAAAAAAAAAA"
"""Kafka's id of 16 zero bytes, which a broker gives that knows no ids of topics."""
_NO_LEADER = (KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE)


@dataclass(frozen=True)
class Bounds:
    """Where each (topic, partition) begins and ends.

    Attributes:
        beginnings: the first offsets.
        ends: where reading ends: of committed records, at the oldest transaction that is still
            open.
        written: where the next records will come; empty where nobody asked for it.
    """

    beginnings: Positions
    ends: Positions
    written: Positions = field(default_factory=dict)


def partitions_of(
    consumer: Consumer, topics: Sequence[str], timeout: float
) -> list[tuple[str, int]]:
    """All partitions that the topics have now; raises KafkaException, also for a missing topic."""
    found = []
    for topic in topics:
        known = consumer.list_topics(topic, timeout=timeout).topics[topic]
        if known.error is not None:
            raise KafkaException(known.error)
        found += [(topic, partition) for partition in known.partitions]
    return found


def bounds_of(
    consumer: Consumer,
    topics: Sequence[str],
    timeout: float,
    *,
    whole: Consumer | None = None,
) -> Bounds:
    """The bounds of all partitions; one that is new and has no leader yet is waited for.

    Args:
        consumer: is asked; its `isolation.level` decides where the ends are.
        topics: the topics.
        timeout: how many seconds each question may take.
        whole: a client that reads uncommitted records too, to ask how far the topics are written.

    Raises:
        KafkaException: the broker does not tell.
    """
    deadline = time.monotonic() + timeout
    while True:
        try:
            # First what is written, or records that come meanwhile would seem to be held back.
            written = _ends(whole, topics, timeout) if whole else {}
            places = partitions_of(consumer, topics, timeout)
            begins = _offsets(consumer, places, OFFSET_BEGINNING, timeout)
            return Bounds(begins, _offsets(consumer, places, OFFSET_END, timeout), written)
        except KafkaException as error:
            if error.args[0].code() not in _NO_LEADER or time.monotonic() > deadline:
                raise
        time.sleep(0.2)


def _ends(consumer: Consumer, topics: Sequence[str], timeout: float) -> Positions:
    # A client answers only for partitions that it has heard of itself.
    return _offsets(consumer, partitions_of(consumer, topics, timeout), OFFSET_END, timeout)


def _offsets(
    consumer: Consumer, places: Sequence[tuple[str, int]], special: int, timeout: float
) -> Positions:
    # A time before all others stands for the beginning and one after them for the end, as in
    # Kafka's protocol: one request to each broker, instead of two for each partition.
    wanted = [TopicPartition(*place, special) for place in places]
    answers = consumer.offsets_for_times(wanted, timeout=timeout) if wanted else []
    for answer in answers:
        if answer.error is not None:
            raise KafkaException(answer.error)
    return {(answer.topic, answer.partition): answer.offset for answer in answers}
