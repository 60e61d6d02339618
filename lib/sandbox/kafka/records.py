"""Reading topics back, to tell what is really in them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from sandbox.errors import SandboxError

_TIME_LIMIT_SECONDS: Final = 30.0

Coordinates = tuple[str, int, int]


def open_consumer(bootstrap: str, *topics: str) -> Consumer:
    """A consumer of all partitions of these topics, from the beginning, outside any group.

    It reports the end of a partition as a message with the error `_PARTITION_EOF`.
    """
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            # Demanded by the client, but without subscription and commits no group comes to be.
            "group.id": "sandbox",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "log_level": 0,
        }
    )
    known = consumer.list_topics(timeout=_TIME_LIMIT_SECONDS).topics
    consumer.assign(
        [TopicPartition(topic, number, 0) for topic in topics for number in known[topic].partitions]
    )
    return consumer


def read_topic(bootstrap: str, topic: str) -> Iterator[Message]:
    """All records that are in a topic now.

    Raises:
        SandboxError: if the broker stops answering.
    """
    consumer = open_consumer(bootstrap, topic)
    try:
        unread = {partition.partition for partition in consumer.assignment()}
        deadline = time.monotonic() + _TIME_LIMIT_SECONDS
        while unread:
            for message in consumer.consume(num_messages=500, timeout=0.5):
                if (error := message.error()) is None:
                    yield message
                elif error.code() == KafkaError._PARTITION_EOF:
                    unread.discard(message.partition())
            if time.monotonic() > deadline:
                raise SandboxError(f"{topic} could not be read within {_TIME_LIMIT_SECONDS:.0f} s")
    finally:
        consumer.close()


def coordinates(message: Message) -> Coordinates:
    """Where a record is: topic, partition, offset."""
    return str(message.topic()), int(message.partition() or 0), int(message.offset() or 0)


def source_coordinates(message: Message) -> Coordinates:
    """Where the event is that an output record answers, from its headers.

    Raises:
        SandboxError: if the headers do not say.
    """
    texts = headers(message)
    try:
        return texts["source_topic"], int(texts["source_partition"]), int(texts["source_offset"])
    except (KeyError, ValueError) as error:
        raise SandboxError(
            f"{coordinates(message)} does not say which event it answers ({error!r}); its headers "
            f"are {sorted(texts)}",
            exit_code=5,
        ) from error


def headers(message: Message) -> dict[str, str]:
    """A record's headers as text; the last one of each name."""
    pairs = message.headers() or []
    return {
        name: value.decode(errors="replace") if isinstance(value, bytes) else str(value or "")
        for name, value in (pairs.items() if isinstance(pairs, dict) else pairs)
    }


def body(message: Message) -> dict[str, Any]:
    """A record's value as a JSON object; empty when it is something else."""
    try:
        value = json.loads(message.value() or b"null")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def scored_at_seconds(prediction: Message) -> float:
    """A prediction's `processed_ts` in seconds since 1970."""
    return datetime.fromisoformat(body(prediction)["processed_ts"]).timestamp()
