"""Checks that nothing is lost: `python -m churn_tools.verify --broker … --input-topic …`.

Reads the three topics of a job from their beginnings and balances the books (`books.py`). Kafka has
to keep the outputs at least as long as the source, or what it has deleted there counts as lost; a
compacted source cannot be verified.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)

from churn_tools.verify.balance import NAMED, Balance, Fate, Finding, Ledger, Place
from stream_telemetry.options import OwnOptions, option
from stream_telemetry.values import number
from telco_churn.errors import ChurnStreamError, KafkaUnavailableError
from telco_churn.query.settings import BrokerSettings, TopicSettings
from telco_churn.query.topic_checks import check_topics
from telco_churn.settings.flags import Command
from telco_churn.settings.resolve import read

ANSWER_SECONDS = 30.0
"""How long the broker may say nothing."""

_AT_ONCE = 10_000


class BalanceError(ChurnStreamError):
    """A record has no fate, or more than one, or a fate came from nowhere."""

    exit_code = 1


@dataclass(frozen=True, kw_only=True)
class WaitSettings(OwnOptions):
    """Waiting."""

    timeout: float = option(
        "0",
        "how long to wait for answers that are missing, of a job that runs",
        parse=number(),
        metavar="SECONDS",
    )


@dataclass(frozen=True, kw_only=True)
class VerifySettings:
    """The verifier's settings."""

    kafka: BrokerSettings
    topics: TopicSettings
    wait: WaitSettings


COMMAND = Command(
    prog="python -m churn_tools.verify",
    description="Reads a job's three topics and tells what is lost, invented or there twice.",
    epilog="What is not given comes from the job's own config file and environment. Exit "
    "codes: 0 each record has one fate, 1 one has none or several, 2 bad options, 4 Kafka.",
)


def main(arguments: Sequence[str]) -> None:
    """Verifies, and writes the balance to standard output.

    Raises:
        SettingsError: an option is unknown or malformed.
        KafkaUnavailableError: no broker answers, or a topic is missing.
        BalanceError: a record has no fate, or several.
    """
    settings = read(VerifySettings, COMMAND, arguments, os.environ)
    topic = settings.topics.input_topic
    balance = verify(settings.kafka, settings.topics, settings.wait.timeout)
    sys.stdout.write(described(balance, topic))
    if not balance.is_clean:
        raise BalanceError(
            f"the records of {topic} do not balance: {balance.lost.count} lost, "
            f"{balance.invented.count} invented, {balance.in_both.count} in both; look at the "
            "named offsets, and whether Kafka keeps the outputs as long as the source"
        )


def verify(kafka: BrokerSettings, topics: TopicSettings, timeout: float = 0.0) -> Balance:
    """The balance of the three topics.

    Args:
        kafka: the broker.
        topics: of the job.
        timeout: how long records without an answer are waited for, in seconds.

    Raises:
        KafkaUnavailableError: no broker answers, or a topic is missing.
    """
    check_topics(kafka, topics)
    try:
        with _consumer(kafka) as consumer:
            return _verified(consumer, topics, timeout)
    except KafkaException as error:
        raise KafkaUnavailableError(
            f"{kafka.broker} does not give the records ({error.args[0].str()}); "
            "see whether it is well, then try again"
        ) from error


def described(balance: Balance, topic: str) -> str:
    """The books, a figure a line, with the places where something is wrong."""
    figures: dict[str, int | Finding] = {
        "read": balance.read,
        "predictions": balance.predictions,
        "dead letters": balance.dead_letters,
        "lost": balance.lost,
        "invented": balance.invented,
        "in both": balance.in_both,
        "repeated": balance.repeated,
        "expired": balance.expired,
        "later": balance.later,
    }
    return "".join(f"{name:14}{_shown(value, topic)}\n" for name, value in figures.items())


def _shown(value: int | Finding, topic: str) -> str:
    if isinstance(value, int):
        return f"{value:>11,}"
    places = ", ".join(f"{topic}/{partition}/{offset}" for partition, offset in value.first)
    rest = ", …" if value.count > NAMED else ""
    return f"{value.count:>11,}" + (f"  {places}{rest}" if places else "")


def _verified(consumer: Consumer, topics: TopicSettings, timeout: float) -> Balance:
    source = topics.input_topic

    def bounds() -> dict[int, tuple[int, int]]:
        return {p: _bounds(consumer, source, p) for p in _partitions(consumer, source)}

    books = Ledger(bounds(), lambda partition: bounds().get(partition, (0, 0))[1])
    for message in _records(consumer, [source]):
        books.read(message.partition() or 0, message.offset() or 0)
    fates = {
        topics.output_topic: Fate.PREDICTION,
        topics.deadletter_topic: Fate.DEAD_LETTER,
    }
    deadline = time.monotonic() + timeout
    for message in _records(
        consumer, list(fates), lambda: not books.unanswered or time.monotonic() > deadline
    ):
        if (place := _source_place(message, source)) is not None:
            books.answered(*place, fates[str(message.topic())])
    return books.balance({partition: begin for partition, (begin, _) in bounds().items()})


def _records(
    consumer: Consumer, topics: Sequence[str], is_enough: Callable[[], bool] = lambda: True
) -> Iterator[Message]:
    """All records of the topics, and those that still come until it is enough."""
    places = [
        TopicPartition(t, p, OFFSET_BEGINNING) for t in topics for p in _partitions(consumer, t)
    ]
    consumer.assign(places)
    unread = {(place.topic, place.partition) for place in places}
    heard = time.monotonic()
    while unread or not is_enough():
        messages = consumer.consume(_AT_ONCE, timeout=0.5)
        if messages or not unread:
            heard = time.monotonic()
        elif time.monotonic() - heard > ANSWER_SECONDS:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
        for message in messages:
            if (error := message.error()) is None:
                yield message
            elif error.code() == KafkaError._PARTITION_EOF:
                unread.discard((str(message.topic()), message.partition() or 0))


def _source_place(message: Message, source: str) -> Place | None:
    """Where the record is that this one answers; None if it answers none of the source topic."""
    headers = message.headers() or []
    # The last one of a name is the job's own; the others came with the record.
    texts = dict(headers.items() if isinstance(headers, dict) else headers)
    try:
        if texts["source_topic"] != source.encode():
            return None
        return int(texts["source_partition"] or b""), int(texts["source_offset"] or b"")
    except (KeyError, ValueError):
        return None


def _partitions(consumer: Consumer, topic: str) -> list[int]:
    return list(consumer.list_topics(topic, timeout=ANSWER_SECONDS).topics[topic].partitions)


def _bounds(consumer: Consumer, topic: str, partition: int) -> tuple[int, int]:
    place = TopicPartition(topic, partition)
    begin, end = consumer.get_watermark_offsets(place, timeout=ANSWER_SECONDS)
    return begin, end


@contextmanager
def _consumer(kafka: BrokerSettings) -> Iterator[Consumer]:
    consumer = Consumer(
        {
            **kafka.client,
            # The client demands one; without subscription and commits no group comes to be.
            "group.id": "churn-verify",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "isolation.level": "read_committed",
            "queued.max.messages.kbytes": 32_768,
            "log_level": 0,
        },
        error_cb=lambda error: None,
    )
    try:
        yield consumer
    finally:
        consumer.close()
