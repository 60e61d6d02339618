"""Asks the broker about a topic and a consumer group; nothing here joins the group."""

from __future__ import annotations

import time
from collections.abc import Mapping

from confluent_kafka import Consumer, KafkaException, TopicPartition

from stream_telemetry.batch.progress import Positions
from stream_telemetry.broker.partitions import Bounds, bounds_of, partitions_of
from stream_telemetry.logs.clients import client_logger, log_client_error

TIMEOUT_SECONDS = 4.0
_READ_SECONDS = 2.0


class BrokerOffsets:
    """Offsets of one topic, and of one group in it.

    Every method raises KafkaException when the broker leaves a request without an answer for
    `TIMEOUT_SECONDS`, or a commit for as long as it waits for the group's coordinator.
    Consumers ask, not an AdminClient: that has been seen to abort the process when a broker came
    back after its requests had timed out (confluentinc/librdkafka#4605).
    """

    def __init__(self, topic: str, group: str, client: Mapping[str, str]) -> None:
        """Prepares the clients; nothing is sent yet.

        Args:
            topic: the topic.
            group: the consumer group.
            client: librdkafka's settings: `bootstrap.servers`, security.
        """
        self._topic = topic
        self._config: dict[str, str | int | float | bool] = {
            **client,
            # A broker that was away must be noticed when it is back.
            "reconnect.backoff.max.ms": "1000",
            "socket.timeout.ms": str(int(TIMEOUT_SECONDS * 1000)),
            # The client demands a group; without subscription it never joins it.
            "group.id": group,
            "enable.auto.commit": False,
        }
        self._asker = Consumer(
            {
                **self._config,
                # The end is where the next record comes, committed or not.
                "isolation.level": "read_uncommitted",
                # So long a commit waits for the group's coordinator.
                "session.timeout.ms": 6000,
            },
            logger=client_logger(),
            error_cb=log_client_error,
        )
        self._reader: Consumer | None = None

    def bounds(self) -> Bounds:
        """The bounds of all partitions that the topic has now."""
        # Nobody else would take in what the client has to log.
        self._asker.poll(0)
        return bounds_of(self._asker, [self._topic], TIMEOUT_SECONDS)

    def committed(self) -> Positions:
        """The group's positions; partitions without one are left out."""
        places = partitions_of(self._asker, [self._topic], TIMEOUT_SECONDS)
        wanted = [TopicPartition(*place) for place in places]
        found = self._asker.committed(wanted, timeout=TIMEOUT_SECONDS)
        for partition in found:
            if partition.error is not None:
                raise KafkaException(partition.error)
        return {(p.topic, p.partition): p.offset for p in found if p.offset >= 0}

    def commit(self, positions: Positions) -> None:
        """Sets the group's positions."""
        partitions = [TopicPartition(t, p, offset) for (t, p), offset in positions.items()]
        for partition in self._asker.commit(offsets=partitions, asynchronous=False):
            if partition.error is not None:
                raise KafkaException(partition.error)

    def timestamps(self, positions: Positions) -> dict[tuple[str, int], float]:
        """When the record at each position was made, in seconds since 1970.

        A position without a record that can be read is left out.
        """
        if self._reader is None:
            self._reader = Consumer(
                {
                    **self._config,
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
        self._asker.close()
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


def _ignore(error: object) -> None:
    """Errors of connections show as KafkaException in whoever waits for an answer."""
