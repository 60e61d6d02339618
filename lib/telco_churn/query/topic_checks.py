"""The topics of the job: what the broker is asked about them."""

from __future__ import annotations

from collections.abc import Sequence

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType

from stream_telemetry.checkpoint.identity import SourceIdentity
from telco_churn.errors import KafkaUnavailableError, TopicError
from telco_churn.query.settings import BrokerSettings, TopicSettings

CONNECT_TIMEOUT_SECONDS = 10.0

LEAST_MESSAGE_BYTES = 1_000_000
"""What an output topic must take: a dead letter with its key and headers, as the plan bounds it."""


def count_partitions(kafka: BrokerSettings, topics: Sequence[str]) -> dict[str, int]:
    """The number of partitions of each topic.

    Raises:
        KafkaUnavailableError: no broker answers.
        TopicError: a topic is not there.
    """
    try:
        known = _admin(kafka).list_topics(timeout=CONNECT_TIMEOUT_SECONDS).topics
    except KafkaException as error:
        raise _unavailable(kafka, error) from error
    if missing := [topic for topic in topics if topic not in known]:
        raise TopicError(
            f"topic {missing[0]} does not exist on {kafka.broker}; create it with: kafka-topics.sh "
            f"--bootstrap-server {kafka.broker} --create --topic {missing[0]} --partitions 3"
        )
    return {topic: len(known[topic].partitions) for topic in topics}


def source_identity(kafka: BrokerSettings, topic: str) -> SourceIdentity:
    """Which topic of this name there is now.

    Raises:
        KafkaUnavailableError: the broker does not tell.
    """
    admin = _admin(kafka)
    try:
        cluster = admin.list_topics(topic, timeout=CONNECT_TIMEOUT_SECONDS).cluster_id
        answers = admin.describe_topics(
            TopicCollection([topic]), request_timeout=CONNECT_TIMEOUT_SECONDS
        )
        described = answers[topic].result(CONNECT_TIMEOUT_SECONDS)
    except KafkaException as error:
        raise _unavailable(kafka, error) from error
    return SourceIdentity(str(cluster), topic, str(described.topic_id))


def check_message_sizes(kafka: BrokerSettings, topics: TopicSettings) -> None:
    """Sees whether the output topics take the largest records that the job writes.

    A user who may not read the topics' settings is spared the check.

    Raises:
        TopicError: one of them does not.
        KafkaUnavailableError: the broker does not tell.
    """
    asked = [ConfigResource(ResourceType.TOPIC, topic) for topic in topics.outputs]
    admin = _admin(kafka)  # its answers end with it
    answers = admin.describe_configs(asked, request_timeout=CONNECT_TIMEOUT_SECONDS)
    for resource, answer in answers.items():
        try:
            limit = int(answer.result(CONNECT_TIMEOUT_SECONDS)["max.message.bytes"].value)
        except KafkaException as error:
            if error.args[0].code() == KafkaError.TOPIC_AUTHORIZATION_FAILED:
                continue
            raise _unavailable(kafka, error) from error
        if limit < LEAST_MESSAGE_BYTES:
            raise TopicError(
                f"topic {resource.name} takes messages of {limit} bytes at most, the job may write "
                f"{LEAST_MESSAGE_BYTES}; raise it with: kafka-configs.sh --bootstrap-server "
                f"{kafka.broker} --alter --topic {resource.name} --add-config "
                "max.message.bytes=1048588"
            )


def _admin(kafka: BrokerSettings) -> AdminClient:
    # librdkafka's own lines would repeat every second what an error says once.
    return AdminClient({**kafka.client, "log_level": 0}, error_cb=lambda error: None)


def _unavailable(kafka: BrokerSettings, error: KafkaException) -> KafkaUnavailableError:
    return KafkaUnavailableError(
        f"no Kafka broker answers at {kafka.broker} within {CONNECT_TIMEOUT_SECONDS:.0f} s "
        f"({error.args[0].str()}); start it, or set --broker"
    )


def check_topics(kafka: BrokerSettings, topics: TopicSettings) -> int:
    """The number of partitions of the input topic, once all three topics are known to exist.

    Raises:
        KafkaUnavailableError: no broker answers, or a topic is missing.
    """
    return count_partitions(kafka, topics.all)[topics.input_topic]
