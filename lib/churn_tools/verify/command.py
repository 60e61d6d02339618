"""Checks that nothing is lost: `python -m churn_tools.verify --broker … --input-topic …`.

Reads the three topics of a job from their beginnings and balances the books (`books.py`). Kafka has
to keep the outputs at least as long as the source, or what it has deleted there counts as lost; a
compacted source cannot be verified.
"""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)

from churn_tools.verify.balance import NAMED, Balance, Fate, Finding, Ledger, Place
from telco_churn.errors import ChurnStreamError, KafkaUnavailableError
from telco_churn.query.topics import check_topics
from telco_churn.settings.job import Settings, option_fields, read_settings
from telco_churn.settings.options import OneLineParser, flag_of

ANSWER_SECONDS = 30.0
"""How long the broker may say nothing."""

_OPTIONS = ("broker", "input_topic", "output_topic", "deadletter_topic")
_AT_ONCE = 10_000


class BalanceError(ChurnStreamError):
    """A record has no fate, or more than one, or a fate came from nowhere."""

    exit_code = 1


def main(arguments: Sequence[str]) -> None:
    """Verifies, and writes the books to standard output.

    Raises:
        SettingsError: an option is unknown or malformed.
        KafkaUnavailableError: no broker answers, or a topic is missing.
        BalanceError: the books do not balance.
    """
    given = vars(_parser().parse_or_raise(arguments))
    timeout = given.pop("timeout")
    flags = [f"--{name.replace('_', '-')}={text}" for name, text in given.items() if text]
    settings = read_settings(flags, os.environ)
    balance = verify(settings, timeout)
    sys.stdout.write(described(balance, settings))
    if not balance.is_clean:
        raise BalanceError(
            f"the books of {settings.input_topic} do not balance: {balance.lost.count} lost, "
            f"{balance.invented.count} invented, {balance.in_both.count} in both; look at the "
            "named offsets, and whether Kafka keeps the outputs as long as the source"
        )


def verify(settings: Settings, timeout: float = 0.0) -> Balance:
    """The balance of the three topics.

    Args:
        settings: say which broker and topics.
        timeout: how long records without an answer are waited for, in seconds.

    Raises:
        KafkaUnavailableError: no broker answers, or a topic is missing.
    """
    check_topics(settings)
    try:
        with _consumer(settings) as consumer:
            return _verified(consumer, settings, timeout)
    except KafkaException as error:
        raise KafkaUnavailableError(
            f"{settings.broker} does not give the records ({error.args[0].str()}); "
            "see whether it is well, then try again"
        ) from error


def described(balance: Balance, settings: Settings) -> str:
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
    return "".join(
        f"{name:14}{_shown(value, settings.input_topic)}\n" for name, value in figures.items()
    )


def _shown(value: int | Finding, topic: str) -> str:
    if isinstance(value, int):
        return f"{value:>11,}"
    places = ", ".join(f"{topic}/{partition}/{offset}" for partition, offset in value.first)
    rest = ", …" if value.count > NAMED else ""
    return f"{value.count:>11,}" + (f"  {places}{rest}" if places else "")


def _verified(consumer: Consumer, settings: Settings, timeout: float) -> Balance:
    source = settings.input_topic

    def bounds() -> dict[int, tuple[int, int]]:
        return {p: _bounds(consumer, source, p) for p in _partitions(consumer, source)}

    books = Ledger(bounds(), lambda partition: bounds().get(partition, (0, 0))[1])
    for message in _records(consumer, [source]):
        books.read(message.partition() or 0, message.offset() or 0)
    fates = {
        settings.output_topic: Fate.PREDICTION,
        settings.deadletter_topic: Fate.DEAD_LETTER,
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
def _consumer(settings: Settings) -> Iterator[Consumer]:
    consumer = Consumer(
        {
            "bootstrap.servers": settings.broker,
            # The client demands one; without subscription and commits no group comes to be.
            "group.id": settings.consumer_group,
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


def _parser() -> OneLineParser:
    parser = OneLineParser(
        prog="python -m churn_tools.verify",
        description="Reads a job's three topics and tells what is lost, invented or there twice.",
        epilog="What is not given comes from the job's own config file and environment. Exit "
        "codes: 0 each record has one fate, 1 one has none or several, 2 bad options, 4 Kafka.",
        allow_abbrev=False,
    )
    for field in option_fields():
        if field.name in _OPTIONS:
            parser.add_argument(
                flag_of(field), metavar=field.metadata["metavar"], help=field.metadata["help"]
            )
    parser.add_argument("--config", metavar="FILE", help="the job's config file")
    parser.add_argument(
        "--timeout",
        type=_seconds,
        default=0.0,
        metavar="SECONDS",
        help="how long to wait for answers that are missing, of a job that runs (default: 0)",
    )
    return parser


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 <= seconds < math.inf:
        raise ValueError
    return seconds
