"""Sends events and the record of it in one transaction, so that a kill leaves both or neither."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from churn_tools.replay.selection import Event
from churn_tools.replay.sent_letters import SentLetters
from stream_telemetry.logs.clients import client_logger
from telco_churn.errors import KafkaUnavailableError, TopicError
from telco_churn.rights.needed import TRANSACTIONS_OF_REPLAY

_SECONDS: Final = 60.0
"""How long one transaction may take; as long, at most, a kill holds up who reads the input."""
_FENCED: Final = (
    KafkaError._FENCED,
    KafkaError.PRODUCER_FENCED,
    KafkaError.INVALID_PRODUCER_EPOCH,
)


class Sender:
    """Sends events into the topic that they came from.

    There is one at a time for a topic of dead letters: a new one ends what an older one has begun,
    and the older one can send no more.

    Attributes:
        sent: Events of the transactions that have ended well.
    """

    def __init__(
        self, client: Mapping[str, str], topic: str, partitions: int, done: SentLetters
    ) -> None:
        """Connects, and takes back what a run that was killed has left open.

        Args:
            client: librdkafka's settings.
            topic: to send to.
            partitions: that it has.
            done: is told in the same transaction.

        Raises:
            KafkaUnavailableError: the broker gives no transactions.
        """
        self.sent = 0
        self._client = client
        self._topic = topic
        self._partitions = partitions
        self._done = done
        self._refusals: list[KafkaError] = []
        self._producer = Producer(
            {
                **client,
                "client.id": "replay_dead_letters",
                "transactional.id": f"{TRANSACTIONS_OF_REPLAY.name}{done.identity}",
                "transaction.timeout.ms": int(_SECONDS * 1000),
                "compression.type": "lz4",
                "linger.ms": 10,
                # For an event whose partition is gone: as Java's producers do it.
                "partitioner": "murmur2_random",
                "log_level": 0,
                "error_cb": lambda error: None,
            },
            # A fatal error is written whatever the level is; it becomes one of ours.
            logger=client_logger(),
        )
        with self._refused("begins no transactions"):
            self._producer.init_transactions(_SECONDS)

    def send(self, events: Sequence[Event]) -> None:
        """Sends all of the events, or none.

        Raises:
            KafkaUnavailableError: none was sent.
        """
        with self._refused("did not take the events"):
            self._producer.begin_transaction()
            try:
                for event in events:
                    self._produce(event)
                self._producer.commit_transaction(_SECONDS)
            except BaseException:
                with suppress(KafkaException):
                    self._producer.abort_transaction(_SECONDS)
                raise
        self.sent += len(events)

    def _produce(self, event: Event) -> None:
        letter = event.letter
        partition = letter.source.partition
        self._hand_over(
            topic=self._topic,
            key=letter.key,
            value=event.value,
            headers=letter.headers_to_send,
            # Where it was: who writes there may have an order of its own.
            partition=partition if partition < self._partitions else -1,
        )
        key, value = self._done.record(letter)
        self._hand_over(topic=self._done.topic, key=key, value=value)

    def _hand_over(self, **record: Any) -> None:
        while True:
            try:
                self._producer.produce(**record, on_delivery=self._on_delivery)
            except BufferError:
                self._producer.poll(0.1)
            else:
                break
        self._producer.poll(0)

    def _on_delivery(self, error: KafkaError | None, message: Message) -> None:
        # Those behind the first one that fails are only taken back with it.
        if error is not None and error.code() != KafkaError._PURGE_QUEUE:
            self._refusals.append(error)

    @contextmanager
    def _refused(self, what: str) -> Iterator[None]:
        try:
            yield
        except KafkaException as error:
            reason: KafkaError = error.args[0]
            if reason.code() in _FENCED:
                raise KafkaUnavailableError(
                    f"another run sends dead letters of the same topic; {self.sent} events were "
                    "sent by this one. See what is left when the other one has ended"
                ) from error
            if reason.code() == KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
                raise TopicError(TRANSACTIONS_OF_REPLAY.refusal(self._client)) from error
            reason = self._refusals[0] if self._refusals else reason
            raise KafkaUnavailableError(
                f"Kafka {what} ({reason.str()}): {self.sent} events were sent before. See that the "
                "broker is well and lets this user write, then start this again; it repeats nothing"
            ) from error
