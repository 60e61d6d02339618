"""Reading topics outside any group: from their beginnings to their ends, or as they grow."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Self

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)

from stream_telemetry.batch.progress import Positions
from stream_telemetry.broker.partitions import Bounds, bounds_of, partitions_of
from stream_telemetry.logs.clients import client_logger, log_client_error
from stream_telemetry.security.live_client import stamp_of

ANSWER_SECONDS = 30.0
"""How long a broker may be silent, where there is no hurry."""
_AT_ONCE = 10_000


class RecordAddress(NamedTuple):
    """Where a record is."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        """As logs, findings and commands write it: `topic-partition-offset`."""
        return f"{self.topic}-{self.partition}-{self.offset}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The address that was written so; raises ValueError for any other text."""
        found = re.fullmatch(r"(.+)-(\d+)-(\d+)", text)
        if found is None:
            raise ValueError("is no record; write TOPIC-PARTITION-OFFSET")
        return cls(found[1], int(found[2]), int(found[3]))

    @classmethod
    def of(cls, message: Message) -> Self:
        """The address of a record that was read."""
        return cls(str(message.topic()), int(message.partition() or 0), int(message.offset() or 0))


def headers_of(message: Message) -> dict[str, str]:
    """A record's headers as text: the last one of each name, bytes that are not UTF-8 escaped.

    The last, because the job puts its own headers behind those that came with a record.
    """
    pairs = message.headers() or []
    return {
        name: value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else ""
        for name, value in (pairs.items() if isinstance(pairs, dict) else pairs)
    }


def object_of(message: Message) -> dict[str, Any]:
    """A record's value as a JSON object; empty when it is something else."""
    try:
        value = json.loads(message.value() or b"null")
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


class TopicReader:
    """Reads all partitions of some topics, in a `with` statement.

    It sees committed records only, joins no group and commits nothing. What Kafka deletes before it
    is read is passed over.
    """

    def __init__(
        self,
        client: Mapping[str, str],
        topics: Sequence[str],
        *,
        patience: float = ANSWER_SECONDS,
        memory_kilobytes: int = 32_768,
        has_log: bool = False,
    ) -> None:
        """Prepares the client; nothing is sent yet.

        Args:
            client: librdkafka's settings: `bootstrap.servers`, security.
            topics: the topics.
            patience: how many seconds the broker may leave a request without an answer.
            memory_kilobytes: how much may wait to be polled.
            has_log: whether errors go to the log, for a reader that goes on regardless; else they
                are raised.
        """
        self.positions: dict[tuple[str, int], int] = {}
        self._topics = topics
        self._patience = patience
        self._has_log = has_log
        self._unread: set[tuple[str, int]] = set()
        self._client = client
        self._memory_kilobytes = memory_kilobytes
        self._is_answered = True
        self._connect()

    def _connect(self) -> None:
        has_log = self._has_log
        self._stamp = stamp_of(self._client)
        settings: dict[str, Any] = {
            **self._client,
            # The client demands a group; without subscription and commits none comes to be.
            "group.id": "topic-reader",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "isolation.level": "read_committed",
            # The default is to go on at the end when the next record was deleted.
            "auto.offset.reset": "earliest",
            "queued.max.messages.kbytes": self._memory_kilobytes,
            "reconnect.backoff.max.ms": "1000",
            # How long a reader waits to be told that it has reached the end.
            "fetch.wait.max.ms": 500 if has_log else 50,
        }
        if has_log:
            self._consumer = Consumer(settings, logger=client_logger(), error_cb=log_client_error)
        else:
            self._consumer = Consumer({**settings, "log_level": 0}, error_cb=lambda error: None)

    def __enter__(self) -> Self:
        """Nothing is sent yet."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Ends the connections."""
        self.close()

    def close(self) -> None:
        """Ends the connections."""
        self._consumer.close()

    def renew(self) -> None:
        """Connects anew, at the same positions, if that may help.

        That is where files of its settings were replaced, and where nobody has answered: the client
        may be asking an address that a broker once gave, and not the bootstrap servers.
        """
        if not self._is_answered or self._stamp != stamp_of(self._client):
            self._consumer.close()
            self._connect()
            self._assign(self.positions)

    def bounds(self) -> Bounds:
        """The bounds of all partitions; raises KafkaException."""
        return bounds_of(self._consumer, self._topics, self._patience)

    def begin(self) -> None:
        """Goes to the beginnings of all partitions; raises KafkaException."""
        places = partitions_of(self._consumer, self._topics, self._patience)
        self._assign(dict.fromkeys(places, OFFSET_BEGINNING))

    def follow(self) -> None:
        """Goes to where all partitions end now; raises KafkaException."""
        self._assign(self.bounds().ends)

    def add_new_partitions(self) -> None:
        """Reads partitions that the topics have got since, from their beginnings.

        Raises:
            KafkaException: the broker does not tell.
        """
        self._is_answered = False
        places = partitions_of(self._consumer, self._topics, self._patience)
        self._is_answered = True
        if new := [place for place in places if place not in self.positions]:
            self._consumer.incremental_assign([TopicPartition(*p, OFFSET_BEGINNING) for p in new])
            self.positions |= dict.fromkeys(new, OFFSET_BEGINNING)

    def is_behind(self) -> bool:
        """Whether there are records that were not polled yet; raises KafkaException."""
        ends = self.bounds().ends
        return any(ends.get(place, 0) > position for place, position in self.positions.items())

    def poll(self, seconds: float, most: int = _AT_ONCE) -> list[Message]:
        """The next records.

        Args:
            seconds: to wait until there are `most` of them.
            most: how many there may be.

        Raises:
            KafkaException: the broker refuses to give them, and nothing is logged.
        """
        records = []
        for message in self._consumer.consume(most, timeout=seconds):
            error = message.error()
            if error is None:
                # Not by RecordAddress: this is done for every record of a backlog.
                place = str(message.topic()), int(message.partition() or 0)
                self.positions[place] = int(message.offset() or 0) + 1
                records.append(message)
                continue
            topic, partition, offset = RecordAddress.of(message)
            if error.code() == KafkaError._PARTITION_EOF:
                # Beyond the last record, where marks of transactions follow it.
                self.positions[topic, partition] = offset
                self._unread.discard((topic, partition))
            elif error.code() == KafkaError.GROUP_AUTHORIZATION_FAILED:
                # The client looks for the coordinator of its group, which is none.
                continue
            elif self._has_log:
                log_client_error(error)
            else:
                raise KafkaException(error)
        return records

    def read(self, is_enough: Callable[[], bool] = lambda: True) -> Iterator[Message]:
        """All records that there are, and those that still come until it is enough.

        Raises:
            KafkaException: the broker refuses, or falls silent before the ends are reached.
        """
        self.begin()
        heard = time.monotonic()
        while self._unread or not is_enough():
            before = len(self._unread)
            records = self.poll(0.1)
            yield from records
            if records or not self._unread or len(self._unread) < before:
                heard = time.monotonic()
            elif time.monotonic() - heard > self._patience:
                raise KafkaException(KafkaError(KafkaError._TIMED_OUT))

    def _assign(self, positions: Positions) -> None:
        self._consumer.assign([TopicPartition(*place, at) for place, at in positions.items()])
        self.positions = dict(positions)
        self._unread = set(positions)
