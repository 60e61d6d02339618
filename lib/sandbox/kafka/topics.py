"""Making and deleting topics."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from sandbox.errors import SandboxError

Kafka = str | Mapping[str, str]
"""A broker, as functions here are told of it: its bootstrap servers, or all settings of a client.
"""
_TIME_LIMIT_SECONDS = 30.0


@dataclass(frozen=True)
class CustomerTopics:
    """Names of the job's three topics."""

    raw: str = "telco.raw.customers"
    predictions: str = "telco.churn.predictions"
    dead_letters: str = "telco.deadletter"

    def create(self, kafka: Kafka) -> None:
        """Makes them with the partitions that the job is described with: 3, 3 and 1."""
        create_topics(kafka, {self.raw: 3, self.predictions: 3, self.dead_letters: 1})

    def delete(self, bootstrap: str) -> None:
        """Deletes all three."""
        delete_topics(bootstrap, (self.raw, self.predictions, self.dead_letters))


def create_topics(
    kafka: Kafka, partitions: Mapping[str, int], config: Mapping[str, str] | None = None
) -> None:
    """Makes topics with one replica and waits until clients can see them.

    Args:
        kafka: Bootstrap servers, or all settings of a client.
        partitions: Number of partitions by topic name; a topic that is there already is left alone.
        config: Topic settings for all of them.

    Raises:
        SandboxError: if the broker refuses or does not answer in time.
    """
    admin = _admin(kafka)
    topics = [
        NewTopic(name, num_partitions=count, replication_factor=1, config=dict(config or {}))
        for name, count in partitions.items()
    ]
    outcomes = admin.create_topics(topics, operation_timeout=_TIME_LIMIT_SECONDS)
    for name, outcome in outcomes.items():
        try:
            outcome.result()
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise SandboxError(f"topic {name} could not be made: {error.args[0]}") from error
    # A topic is made before it can be used: its partitions have no leader for a moment.
    _wait_until_led(admin, set(partitions))


def delete_topics(bootstrap: str, names: Iterable[str]) -> None:
    """Deletes topics; one that is not there is no error.

    Raises:
        SandboxError: if the broker refuses or does not answer in time.
    """
    admin = _admin(bootstrap)
    outcomes = admin.delete_topics(list(names), operation_timeout=_TIME_LIMIT_SECONDS)
    for name, outcome in outcomes.items():
        try:
            outcome.result()
        except KafkaException as error:
            if error.args[0].code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
                raise SandboxError(f"topic {name} was not deleted: {error.args[0]}") from error


def client_of(kafka: Kafka) -> dict[str, str]:
    """Settings of librdkafka for one of its clients."""
    return {"bootstrap.servers": kafka} if isinstance(kafka, str) else dict(kafka)


def _admin(kafka: Kafka) -> AdminClient:
    return AdminClient({**client_of(kafka), "log_level": 0})


def _wait_until_led(admin: AdminClient, names: set[str]) -> None:
    deadline = time.monotonic() + _TIME_LIMIT_SECONDS
    while True:
        known = admin.list_topics(timeout=_TIME_LIMIT_SECONDS).topics
        partitions = [p for name in names & known.keys() for p in known[name].partitions.values()]
        if names <= known.keys() and all(partition.leader >= 0 for partition in partitions):
            return
        if time.monotonic() > deadline:
            raise SandboxError(f"topics {sorted(names)} were made but did not appear in time")
        time.sleep(0.05)
