"""Records to one Kafka topic, each delivery counted."""

from __future__ import annotations

import logging
from typing import Final, NamedTuple

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from stream_telemetry.logs.clients import client_logger, unlogged
from stream_telemetry.logs.rate_limit import RateLimit
from stream_telemetry.security.refusals import reason_and_remedy
from telco_churn.errors import KafkaUnavailableError
from telco_churn.outcome.message_ids import plain_id
from telco_churn.query.settings import BrokerSettings
from telco_churn.rights.granted import lacking_rights
from telco_churn.rights.needed import rights_of_producer

DELIVERY_TIMEOUT_SECONDS: Final = 60.0
"""How long a record may wait for a broker that is away, retries included."""

LOG_LINES_PER_SECOND: Final = 1_000
"""Most lines about records that were sent; failures have no limit, the first batch ends a run."""

_METADATA_TIMEOUT_SECONDS = 5.0
_logger = logging.getLogger("kafka_producer")


class Record(NamedTuple):
    """A record's key and value, as bytes; None for a null."""

    key: bytes | None
    value: bytes | None


class Publisher:
    """Sends records so that none is lost or doubled by a retry, and knows what became of each.

    Attributes:
        topic: Where they go.
        sent: Records that Kafka acknowledged.
        failed: Records that Kafka did not take.
        last_failure: Why it did not take the last of these.

    Raises:
        KafkaUnavailableError: no broker answers, or the topic does not exist.
    """

    def __init__(
        self,
        kafka: BrokerSettings,
        topic: str,
        delivery_timeout_seconds: float = DELIVERY_TIMEOUT_SECONDS,
    ) -> None:
        self.sent = 0
        self.failed = 0
        self.last_failure = ""
        self._broker = kafka.broker
        self._client = kafka.client
        self.topic = topic
        self._complaints: list[KafkaError] | None = []
        self._rate_limit = RateLimit(LOG_LINES_PER_SECOND)
        self._unlogged = 0
        self._producer = Producer(
            {
                **self._client,
                "client.id": "produce_customers",
                "acks": "all",
                "enable.idempotence": True,
                "compression.type": "lz4",
                "linger.ms": 10,
                # As Java's producers do it, so that both put a customer into the same partition.
                "partitioner": "murmur2_random",
                "message.timeout.ms": int(delivery_timeout_seconds * 1000),
                "error_cb": self._on_error,
            },
            logger=client_logger(),
        )
        self._check_topic()
        self._complaints = None

    def publish(self, record: Record) -> None:
        """Hands a record to the background sender; waits while that one's queue is full."""
        while True:
            try:
                self._producer.produce(
                    self.topic, record.value, record.key, on_delivery=self._on_delivery
                )
            except BufferError:
                self._producer.poll(0.1)
            except KafkaException as error:
                self._count_failure(error.args[0], record.key)
                break
            else:
                break
        self.serve()

    def serve(self) -> None:
        """Takes in the delivery reports that have come, without waiting."""
        self._producer.poll(0)

    def flush(self) -> None:
        """Waits until every record handed over has been acknowledged or has failed."""
        # In slices, because a signal's handler runs only between calls into librdkafka.
        while self._producer.flush(0.2):
            pass

    def take_unlogged(self) -> int:
        """Records sent since this was last asked that the log's rate limit left out."""
        unlogged, self._unlogged = self._unlogged, 0
        return unlogged

    def _check_topic(self) -> None:
        # All topics, not this one: asking by name makes some brokers create it.
        try:
            topics = self._producer.list_topics(timeout=_METADATA_TIMEOUT_SECONDS).topics
        except KafkaException as error:
            # Hands over what is still to be told; it becomes one error.
            with unlogged():
                self.serve()
            raise KafkaUnavailableError(
                f"no Kafka broker answers at {self._broker} "
                f"{reason_and_remedy(self._client, self._complaints or [], error.args[0])}"
            ) from error
        lacking_rights(self._client, rights_of_producer(self.topic))
        if self.topic not in topics:
            raise KafkaUnavailableError(
                f"topic {self.topic} does not exist at {self._broker}: create it with "
                f"kafka-topics.sh --bootstrap-server {self._broker} --create "
                f"--topic {self.topic} --partitions 3"
            )

    def _on_delivery(self, error: KafkaError | None, message: Message) -> None:
        key = message.key()
        if error is not None:
            self._count_failure(error, key)
            return
        self.sent += 1
        if not _logger.isEnabledFor(logging.INFO):
            return
        if not self._rate_limit.take():
            self._unlogged += 1
            return
        _logger.info(
            "published to %s[%s]@%s",
            self.topic,
            message.partition(),
            message.offset(),
            extra={
                "event_type": "message_published",
                "message_id": plain_id(_bytes(key)),
                "topic": self.topic,
                "partition": message.partition(),
                "offset": message.offset(),
                "latency_ms": round((message.latency() or 0) * 1000, 3),
            },
        )

    def _count_failure(self, error: KafkaError, key: bytes | None) -> None:
        self.failed += 1
        self.last_failure = error.str()
        _logger.error(
            "not published to %s: %s",
            self.topic,
            self.last_failure,
            extra={
                "event_type": "publish_failure",
                "error_type": "kafka_error",
                "message_id": plain_id(key),
                "topic": self.topic,
            },
        )

    def _on_error(self, error: KafkaError) -> None:
        # librdkafka reports each broken connection and mends it; only an outage is worth a warning.
        if self._complaints is not None:
            # They become one error, or are of no account.
            self._complaints.append(error)
            return
        is_outage = error.code() == KafkaError._ALL_BROKERS_DOWN
        _logger.log(
            logging.WARNING if is_outage else logging.DEBUG,
            "%s; trying again",
            error.str(),
            extra={"error_type": "kafka_error", "topic": self.topic},
        )


def _bytes(key: str | bytes | None) -> bytes | None:
    return key.encode() if isinstance(key, str) else key
