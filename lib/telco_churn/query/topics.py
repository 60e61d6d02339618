"""The topics of the job: what the broker is asked about them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType

from telco_churn.errors import KafkaUnavailableError, SettingsError, TopicError
from telco_churn.settings.job import Settings

CONNECT_TIMEOUT_SECONDS = 10.0

LEAST_MESSAGE_BYTES = 1_000_000
"""What an output topic must take: a dead letter with its key and headers, as the plan bounds it."""


class SourceIdentity(NamedTuple):
    """What tells a topic from another one of the same name."""

    cluster_id: str
    topic: str
    topic_id: str


def count_partitions(broker: str, topics: Sequence[str]) -> dict[str, int]:
    """The number of partitions of each topic.

    Raises:
        KafkaUnavailableError: no broker answers.
        TopicError: a topic is not there.
    """
    try:
        known = _admin(broker).list_topics(timeout=CONNECT_TIMEOUT_SECONDS).topics
    except KafkaException as error:
        raise _unavailable(broker, error) from error
    if missing := [topic for topic in topics if topic not in known]:
        raise TopicError(
            f"topic {missing[0]} does not exist on {broker}; create it with: kafka-topics.sh "
            f"--bootstrap-server {broker} --create --topic {missing[0]} --partitions 3"
        )
    return {topic: len(known[topic].partitions) for topic in topics}


def source_identity(settings: Settings) -> SourceIdentity:
    """Which topic the input topic is.

    Raises:
        KafkaUnavailableError: the broker does not tell.
    """
    topic, admin = settings.input_topic, _admin(settings.broker)
    try:
        cluster = admin.list_topics(topic, timeout=CONNECT_TIMEOUT_SECONDS).cluster_id
        answers = admin.describe_topics(
            TopicCollection([topic]), request_timeout=CONNECT_TIMEOUT_SECONDS
        )
        described = answers[topic].result(CONNECT_TIMEOUT_SECONDS)
    except KafkaException as error:
        raise _unavailable(settings.broker, error) from error
    return SourceIdentity(str(cluster), topic, str(described.topic_id))


def check_message_sizes(settings: Settings) -> None:
    """Sees whether the output topics take the largest records that the job writes.

    A user who may not read the topics' settings is spared the check.

    Raises:
        TopicError: one of them does not.
        KafkaUnavailableError: the broker does not tell.
    """
    topics = (settings.output_topic, settings.deadletter_topic)
    asked = [ConfigResource(ResourceType.TOPIC, topic) for topic in topics]
    admin = _admin(settings.broker)  # its answers end with it
    answers = admin.describe_configs(asked, request_timeout=CONNECT_TIMEOUT_SECONDS)
    for resource, answer in answers.items():
        try:
            limit = int(answer.result(CONNECT_TIMEOUT_SECONDS)["max.message.bytes"].value)
        except KafkaException as error:
            if error.args[0].code() == KafkaError.TOPIC_AUTHORIZATION_FAILED:
                continue
            raise _unavailable(settings.broker, error) from error
        if limit < LEAST_MESSAGE_BYTES:
            raise TopicError(
                f"topic {resource.name} takes messages of {limit} bytes at most, the job may write "
                f"{LEAST_MESSAGE_BYTES}; raise it with: kafka-configs.sh --bootstrap-server "
                f"{settings.broker} --alter --topic {resource.name} --add-config "
                "max.message.bytes=1048588"
            )


def _admin(broker: str) -> AdminClient:
    # librdkafka's own lines would repeat every second what an error says once.
    return AdminClient({"bootstrap.servers": broker, "log_level": 0}, error_cb=lambda error: None)


def _unavailable(broker: str, error: KafkaException) -> KafkaUnavailableError:
    return KafkaUnavailableError(
        f"no Kafka broker answers at {broker} within {CONNECT_TIMEOUT_SECONDS:.0f} s "
        f"({error.args[0].str()}); start it, or set --broker"
    )


def check_topics(settings: Settings) -> int:
    """The number of partitions of the input topic, once all three topics are known to exist.

    Raises:
        KafkaUnavailableError: no broker answers, or a topic is missing.
        SettingsError: two of the topics are one.
    """
    topics = [settings.input_topic, settings.output_topic, settings.deadletter_topic]
    if len(set(topics)) < len(topics):
        raise SettingsError(f"topics {', '.join(topics)}: all three must differ")
    return count_partitions(settings.broker, topics)[settings.input_topic]
