"""Which dead letters have been sent in again: a compacted topic with a record for each of them.

Not the offset of a consumer group, which would pass over the letters that a run did not choose, and
which Kafka forgets after a week. Not the input topic, which may keep its records for a shorter time
than the dead letters' topic keeps its own. A record is written in the transaction that sends the
event, so that there are both or neither.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, NamedTuple

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from churn_tools.replay.letter import DeadLetter
from stream_telemetry.broker.partitions import NO_TOPIC_ID
from stream_telemetry.broker.read import TopicReader
from stream_telemetry.timestamps import iso_utc
from telco_churn.errors import KafkaUnavailableError

_SECONDS: Final = 10.0


class LetterTopic(NamedTuple):
    """The dead letters' topic, by what it is and not by its name alone.

    Attributes:
        identity: the ids of its cluster and of the topic; the topic's name where it has no id.
        replicas: how many copies Kafka keeps of it.
    """

    identity: str
    replicas: int


def letter_topic(client: Mapping[str, str], name: str) -> LetterTopic:
    """The topic of this name; raises KafkaException when the broker does not tell.

    Args:
        client: librdkafka's settings: `bootstrap.servers`, security.
        name: of the topic.
    """
    admin = _admin(client)
    cluster = admin.list_topics(timeout=_SECONDS).cluster_id
    answers = admin.describe_topics(TopicCollection([name]), request_timeout=_SECONDS)
    # Waits longer than the request, or the two limits race.
    found = answers[name].result(_SECONDS + 1)
    topic_id = str(found.topic_id)
    replicas = min(len(partition.replicas) for partition in found.partitions)
    return LetterTopic(f"{cluster}/{name if topic_id == NO_TOPIC_ID else topic_id}", replicas)


class SentLetters:
    """The letters of one topic that were sent in again.

    Attributes:
        topic: that keeps them.
        identity: of the topic that the letters are in.
    """

    def __init__(self, client: Mapping[str, str], topic: str, letters: LetterTopic) -> None:
        """Nothing is asked yet.

        Args:
            client: librdkafka's settings.
            topic: that keeps them; it need not be there.
            letters: the dead letters' topic.
        """
        self.topic = topic
        self.identity = letters.identity
        self._client = client
        self._replicas = letters.replicas
        self._keys: set[bytes] = set()

    def __contains__(self, letter: object) -> bool:
        """Whether a letter was sent, as far as was read."""
        return isinstance(letter, DeadLetter) and self._key(letter) in self._keys

    def record(self, letter: DeadLetter) -> tuple[bytes, bytes]:
        """Key and value of the record that says that a letter is sent; the value is for people."""
        said = {
            "dead_letter": str(letter.address),
            "source": str(letter.source),
            "retry_count": letter.retry_count + 1,
            "sent_ts": iso_utc(datetime.now(UTC)),
        }
        return self._key(letter), json.dumps(said).encode()

    def make(self) -> None:
        """Makes the topic, if it is not there.

        Raises:
            KafkaUnavailableError: the broker refuses.
        """
        admin = _admin(self._client)
        if self._is_there(admin):
            # Who may write there need not have the right to make topics.
            return
        new = NewTopic(self.topic, 1, self._replicas, config={"cleanup.policy": "compact"})
        try:
            admin.create_topics([new], operation_timeout=_SECONDS)[self.topic].result(_SECONDS + 1)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise KafkaUnavailableError(
                    f"topic {self.topic}, which keeps what was sent, cannot be made "
                    f"({error.args[0].str()}); make it: kafka-topics.sh --bootstrap-server "
                    f"{self._client['bootstrap.servers']} --create --topic {self.topic} "
                    "--partitions 1 --config cleanup.policy=compact"
                ) from error
        deadline = time.monotonic() + _SECONDS
        # A topic is made before its partition has a leader.
        while not self._is_there(admin) and time.monotonic() < deadline:
            time.sleep(0.05)

    def read(self) -> None:
        """Reads what was sent until now; nothing where the topic is not there.

        Raises:
            KafkaException: the broker does not give it.
        """
        if not self._is_there(_admin(self._client)):
            return
        with TopicReader(self._client, [self.topic]) as reader:
            for record in reader.read():
                # A record without a value takes back what the one before it says.
                change = self._keys.discard if record.value() is None else self._keys.add
                change(record.key() or b"")

    def _is_there(self, admin: AdminClient) -> bool:
        # All topics: asking by name makes some brokers create it.
        found = admin.list_topics(timeout=_SECONDS).topics.get(self.topic)
        return found is not None and all(p.leader >= 0 for p in found.partitions.values())

    def _key(self, letter: DeadLetter) -> bytes:
        # The time tells it from a letter in an older topic of the same name, where there is no id.
        place = (letter.address.partition, letter.address.offset, letter.written_ms)
        return "/".join([self.identity, *map(str, place)]).encode()


def _admin(client: Mapping[str, str]) -> AdminClient:
    return AdminClient({**client, "log_level": 0})
