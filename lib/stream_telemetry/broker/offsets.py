"""Asks the broker about topics and a consumer group; nothing here joins the group."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from stream_telemetry.batch.progress import Positions
from stream_telemetry.broker.partitions import Bounds, bounds_of, partitions_of
from stream_telemetry.logs.clients import client_logger, log_client_error
from stream_telemetry.security.live_client import stamp_of

TIMEOUT_SECONDS = 4.0
_READ_SECONDS = 2.0
RENEW_SECONDS = 30.0
"""Seconds without an answer before the clients are made anew.

librdkafka asks the addresses that a broker has given, and may ask one that was wrong for five
minutes before it turns to the bootstrap servers again.
"""


class BrokerOffsets:
    """Offsets of topics, and of one group in them.

    Every method raises KafkaException when the broker leaves a request without an answer for
    `TIMEOUT_SECONDS`, or a commit for as long as it waits for the group's coordinator.
    Consumers ask, not an AdminClient: that has been seen to abort the process when a broker came
    back after its requests had timed out (confluentinc/librdkafka#4605).
    """

    def __init__(
        self, topic: str, group: str, client: Mapping[str, str], beside: Sequence[str] = ()
    ) -> None:
        """Prepares the clients; nothing is sent yet.

        Args:
            topic: the topic.
            group: the consumer group.
            client: librdkafka's settings: `bootstrap.servers`, security. Files that they come from
                are looked at again with each question about bounds.
            beside: other topics.
        """
        self._topics = (topic, *beside)
        self._client = client
        self._group = group
        self._connect()

    def _connect(self) -> None:
        self._stamp = stamp_of(self._client)
        self._heard = time.monotonic()
        self._config: dict[str, str | int | float | bool] = {
            **self._client,
            # A broker that was away must be noticed when it is back.
            "reconnect.backoff.max.ms": "1000",
            "socket.timeout.ms": str(int(TIMEOUT_SECONDS * 1000)),
            # The client demands a group; without subscription it never joins it.
            "group.id": self._group,
            "enable.auto.commit": False,
        }
        self._asker = Consumer(
            {
                **self._config,
                # The query reads committed records only, so its end is theirs.
                "isolation.level": "read_committed",
                # How long a commit waits for the group's coordinator.
                "session.timeout.ms": 6000,
            },
            logger=client_logger(),
            error_cb=log_client_error,
        )
        self._whole = Consumer(
            {
                **self._config,
                # The other client already reports connections.
                "log_level": 0,
                # It sees all there is: how far a topic is written, and the time of any record.
                "isolation.level": "read_uncommitted",
                "enable.partition.eof": True,
                "queued.min.messages": 1,
                "fetch.message.max.bytes": 4096,
                # By default it rests for a second once a record is there to be taken.
                "fetch.queue.backoff.ms": 10,
                "fetch.wait.max.ms": 10,
            },
            error_cb=_ignore,
        )

    def bounds(self) -> Bounds:
        """The bounds of all partitions that there are now, and how far they are written."""
        is_silent = time.monotonic() - self._heard > RENEW_SECONDS
        if is_silent or self._stamp != stamp_of(self._client):
            self.close()
            self._connect()
        # Nothing else polls the client for its log lines.
        self._asker.poll(0)
        bounds = bounds_of(self._asker, self._topics, TIMEOUT_SECONDS, whole=self._whole)
        self._heard = time.monotonic()
        return bounds

    def committed(self) -> Positions:
        """The group's positions; partitions without one are left out."""
        places = partitions_of(self._asker, self._topics, TIMEOUT_SECONDS)
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
        """Since when the record at each position waits, in seconds since 1970.

        That is when it was made; now, for one that has no time or one that is still to come. A
        position without a record that can be read is left out.
        """
        wanted = [TopicPartition(t, p, offset) for (t, p), offset in positions.items()]
        self._whole.incremental_assign(wanted)
        try:
            return self._read_one_each(set(positions))
        finally:
            self._whole.unassign()

    def close(self) -> None:
        """Ends the connections."""
        self._asker.close()
        self._whole.close()

    def _read_one_each(self, missing: set[tuple[str, int]]) -> dict[tuple[str, int], float]:
        found: dict[tuple[str, int], float] = {}
        deadline = time.monotonic() + _READ_SECONDS
        while missing and (left := deadline - time.monotonic()) > 0:
            message = self._whole.poll(left)
            if message is None:
                continue
            error = message.error()
            key = str(message.topic()), int(message.partition() or 0)
            if key not in missing or (error and error.code() != KafkaError._PARTITION_EOF):
                continue
            # Only marks of transactions are left up to the end, and clients never see those.
            missing.remove(key)
            if error is None:
                made, now = message.timestamp()[1] / 1000, time.time()
                found[key] = made if 0 <= made <= now else now
            # Otherwise its next records would come before the first one of another partition.
            self._whole.incremental_unassign([TopicPartition(*key)])
        return found


def _ignore(error: object) -> None:
    """Errors of connections reach the caller as KafkaException."""
