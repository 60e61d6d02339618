"""Asks the broker about a topic and a consumer group; nothing here joins the group."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TypeVar

from confluent_kafka import (
    Consumer,
    ConsumerGroupTopicPartitions,
    KafkaError,
    KafkaException,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, OffsetSpec

from stream_telemetry.batch import Positions
from stream_telemetry.logs.clients import client_logger, log_client_error

TIMEOUT_SECONDS = 4.0
_READ_SECONDS = 2.0
_GIVE_UP_SECONDS = 2.0

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Bounds:
    """The first and the next offset of each (topic, partition)."""

    beginnings: Positions
    ends: Positions


class BrokerOffsets:
    """Offsets of one topic, and of one group in it.

    Every method raises KafkaException when the broker does not answer within `TIMEOUT_SECONDS`.
    """

    def __init__(self, topic: str, group: str, client: Mapping[str, str]) -> None:
        """Prepares the clients; nothing is sent yet.

        Args:
            topic: the topic.
            group: the consumer group.
            client: librdkafka's settings: `bootstrap.servers`, security.
        """
        self._topic = topic
        self._group = group
        self._config: dict[str, str | int | float | bool] = {
            **client,
            # A broker that was away must be noticed when it is back.
            "reconnect.backoff.max.ms": "1000",
            "socket.timeout.ms": str(int(TIMEOUT_SECONDS * 1000)),
        }
        self._admin = AdminClient(self._config, logger=client_logger(), error_cb=log_client_error)
        self._reader: Consumer | None = None

    def bounds(self) -> Bounds:
        """The bounds of all partitions that the topic has now."""
        # Nobody else would take in what the client has to log.
        self._admin.poll(0)
        topics = self._admin.list_topics(self._topic, timeout=TIMEOUT_SECONDS).topics
        if (error := topics[self._topic].error) is not None:
            raise KafkaException(error)
        partitions = list(topics[self._topic].partitions)
        return Bounds(
            self._list(partitions, OffsetSpec.earliest()),
            self._list(partitions, OffsetSpec.latest()),
        )

    def committed(self) -> Positions:
        """The group's positions; partitions without one are left out."""
        wanted = [ConsumerGroupTopicPartitions(self._group)]
        answers = self._admin.list_consumer_group_offsets(wanted, request_timeout=TIMEOUT_SECONDS)
        found = _answer(answers[self._group]).topic_partitions
        return {
            (p.topic, p.partition): p.offset
            for p in found
            if p.topic == self._topic and p.offset >= 0
        }

    def commit(self, positions: Positions) -> None:
        """Sets the group's positions."""
        partitions = [TopicPartition(t, p, offset) for (t, p), offset in positions.items()]
        request = [ConsumerGroupTopicPartitions(self._group, partitions)]
        answers = self._admin.alter_consumer_group_offsets(request, request_timeout=TIMEOUT_SECONDS)
        for partition in _answer(answers[self._group]).topic_partitions:
            if partition.error is not None:
                raise KafkaException(partition.error)

    def timestamps(self, positions: Positions) -> dict[tuple[str, int], float]:
        """When the record at each position was made, in seconds since 1970.

        A position without a record that can be read is left out.
        """
        if self._reader is None:
            # The client demands a group; without subscription and commits none comes to be.
            self._reader = Consumer(
                {
                    **self._config,
                    "group.id": self._group,
                    "enable.auto.commit": False,
                    # What it would say of connections, the other client says.
                    "log_level": 0,
                    "queued.min.messages": 1,
                    "fetch.message.max.bytes": 4096,
                },
                error_cb=_ignore,
            )
        wanted = [TopicPartition(t, p, offset) for (t, p), offset in positions.items()]
        self._reader.incremental_assign(wanted)
        try:
            return self._read_one_each(set(positions))
        finally:
            self._reader.unassign()

    def close(self) -> None:
        """Ends the connections."""
        if self._reader is not None:
            self._reader.close()

    def _read_one_each(self, missing: set[tuple[str, int]]) -> dict[tuple[str, int], float]:
        assert self._reader is not None
        found: dict[tuple[str, int], float] = {}
        deadline = time.monotonic() + _READ_SECONDS
        while missing and (left := deadline - time.monotonic()) > 0:
            message = self._reader.poll(left)
            if message is None or message.error() is not None:
                continue
            key = str(message.topic()), int(message.partition() or 0)
            if key in missing:
                missing.remove(key)
                found[key] = message.timestamp()[1] / 1000
                # Or its next records would come before the first one of another partition.
                self._reader.incremental_unassign([TopicPartition(*key)])
        return found

    def _list(self, partitions: Iterable[int], spec: OffsetSpec) -> Positions:
        request = {TopicPartition(self._topic, partition): spec for partition in partitions}
        answers = self._admin.list_offsets(request, request_timeout=TIMEOUT_SECONDS)
        return {
            (asked.topic, asked.partition): _answer(answer).offset
            for asked, answer in answers.items()
        }


def _answer(future: Future[Answer]) -> Answer:
    """What the broker answers; a client that does not even give up in time is no answer either."""
    try:
        # Longer than the client itself waits: it is to say what is wrong.
        return future.result(TIMEOUT_SECONDS + _GIVE_UP_SECONDS)
    except TimeoutError as error:
        raise KafkaException(KafkaError(KafkaError._TIMED_OUT)) from error


def _ignore(error: object) -> None:
    """Errors of connections show as KafkaException in whoever waits for an answer."""
