"""Reading topics back, to tell what is really in them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from confluent_kafka import KafkaException, Message

from sandbox.errors import SandboxError
from sandbox.kafka.topics import Kafka, client_of
from stream_telemetry.broker.read import RecordAddress, TopicReader, headers_of, object_of
from telco_churn.outcome.source_headers import source_of


def read_topic(kafka: Kafka, topic: str) -> Iterator[Message]:
    """All records that are in a topic now.

    Raises:
        SandboxError: if the broker stops answering.
    """
    with TopicReader(client_of(kafka), [topic]) as reader:
        try:
            yield from reader.read()
        except KafkaException as error:
            raise SandboxError(f"{topic} could not be read: {error.args[0].str()}") from error


def answered(message: Message) -> RecordAddress:
    """Which event an output record answers.

    Raises:
        SandboxError: if its headers do not say.
    """
    headers = headers_of(message)
    if (source := source_of(headers)) is None:
        raise SandboxError(
            f"{RecordAddress.of(message)} does not say which event it answers; its headers are "
            f"{sorted(headers)}",
            exit_code=5,
        )
    return source


def scored_at_seconds(prediction: Message) -> float:
    """A prediction's `processed_ts` in seconds since 1970."""
    return datetime.fromisoformat(object_of(prediction)["processed_ts"]).timestamp()
