"""Checks that nothing is lost: `python -m churn_tools.verify --broker … --input-topic …`.

Reads the three topics of a job from their beginnings and compares them (`balance.py`). Kafka has
to keep the outputs at least as long as the source, or what it has deleted there counts as lost.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from confluent_kafka import TIMESTAMP_NOT_AVAILABLE, KafkaException, Message

from churn_tools.verify.balance import Balance, Fate, Ledger
from churn_tools.verify.finding import NAMED, Finding
from churn_tools.verify.keeping import compacted_among
from stream_telemetry.broker.offsets import BrokerOffsets
from stream_telemetry.broker.read import RecordAddress, TopicReader, headers_of
from stream_telemetry.options import OFF, OwnOptions, option
from stream_telemetry.values import count, number, or_off
from telco_churn.errors import ChurnStreamError, KafkaUnavailableError
from telco_churn.outcome.source_headers import RETRY_COUNT, source_of, time_of_source
from telco_churn.query.settings import BrokerSettings, TopicSettings
from telco_churn.query.topic_checks import check_topics
from telco_churn.rights.needed import rights_of_verifier
from telco_churn.settings.flags import Command
from telco_churn.settings.resolve import read


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
class ExpectSettings(OwnOptions):
    """What should be there."""

    expected: int | None = option(
        OFF,
        "how many records were to be sent, such as the rows of a file; fewer are a loss",
        parse=or_off(count()),
        metavar="RECORDS",
    )


@dataclass(frozen=True, kw_only=True)
class VerifySettings:
    """The verifier's settings."""

    kafka: BrokerSettings
    topics: TopicSettings
    wait: WaitSettings
    expect: ExpectSettings


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
    sys.stdout.write(described(balance))
    unsent = _unsent(balance, settings.expect.expected)
    if unsent:
        raise BalanceError(
            f"{unsent} records of {settings.expect.expected} that were expected were never sent "
            f"to {topic}: look at what the producer said of its file"
        )
    if not balance.is_clean:
        raise BalanceError(
            f"the records of {topic} do not balance: {balance.lost.count} lost, "
            f"{balance.invented.count} invented, {balance.in_both.count} in both, "
            f"{balance.unread.count} deleted unread; look at the named offsets, and whether Kafka "
            "keeps the outputs as long as the source"
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
    for right in check_topics(kafka, topics, rights_of_verifier(topics)).lacking:
        _warn(right.refusal(kafka.client))
    try:
        return _verified(kafka.client, topics, timeout)
    except KafkaException as error:
        raise KafkaUnavailableError(
            f"{kafka.broker} does not give the records ({error.args[0].str()}); "
            "see whether it is well, then try again"
        ) from error


def described(balance: Balance) -> str:
    """The balance, a figure a line, with the first records that something is wrong with."""
    figures: dict[str, int | Finding] = {
        "read": balance.read,
        "predictions": balance.predictions,
        "dead letters": balance.dead_letters,
        "lost": balance.lost,
        "invented": balance.invented,
        "in both": balance.in_both,
        "repeated": balance.repeated,
        "expired": balance.expired,
        "deleted unread": balance.unread,
        "later": balance.later,
        "older topic": balance.older,
        "sent again": balance.again,
    }
    return "".join(f"{name:14}{_shown(value)}\n" for name, value in figures.items())


def _unsent(balance: Balance, expected: int | None) -> int:
    return max(0, (expected or 0) - balance.read - balance.deleted)


def _shown(value: int | Finding) -> str:
    if isinstance(value, int):
        return f"{value:>11,}"
    records = ", ".join(map(str, value.first))
    rest = ", …" if value.count > NAMED else ""
    return f"{value.count:>11,}" + (f"  {records}{rest}" if records else "")


def _verified(client: Mapping[str, str], topics: TopicSettings, timeout: float) -> Balance:
    source = topics.input_topic
    fates = {
        topics.output_topic: Fate.PREDICTION,
        topics.deadletter_topic: Fate.DEAD_LETTER,
    }
    compacted = compacted_among(client, topics.all)
    for topic in compacted - {source}:
        _warn(f"{topic} is compacted: an answer that Kafka has removed there counts as lost")
    if source in compacted:
        _warn(f"{source} is compacted: an answer to a record that never was counts as expired")
    _tell_of_open_transactions(client, source)
    with TopicReader(client, [source]) as events, TopicReader(client, [*fates]) as answers:
        # The ends are asked for again only when an answer lies beyond them.
        ledger = Ledger(events.bounds(), lambda: events.bounds().ends, has_gaps=source in compacted)
        for event in events.read():
            is_again = RETRY_COUNT in headers_of(event)
            ledger.read(RecordAddress.of(event), _time_of(event), is_again=is_again)
        deadline = time.monotonic() + timeout
        for answer in answers.read(lambda: not ledger.unanswered or time.monotonic() > deadline):
            headers = headers_of(answer)
            record = source_of(headers)
            if record is not None and record.topic == source:
                ledger.answered(record, fates[str(answer.topic())], time_of_source(headers))
        # A topic that no longer begins at 0 has lost its first answers.
        are_whole = not any(answers.bounds().beginnings.values()) and not compacted & fates.keys()
        return ledger.balance(events.bounds().beginnings, outputs_are_whole=are_whole)


def _tell_of_open_transactions(client: Mapping[str, str], source: str) -> None:
    """Names what nobody may read yet, since it is neither lost nor answered."""
    asked = BrokerOffsets(source, "verify", client)
    try:
        bounds = asked.bounds()
    finally:
        asked.close()
    for (topic, partition), written in bounds.written.items():
        end = bounds.ends[topic, partition]
        if written > end:
            _warn(
                f"{topic}-{partition} has a transaction open at offset {end}: {written - end} "
                "offsets from there on are not looked at"
            )


def _time_of(event: Message) -> int:
    kind, milliseconds = event.timestamp()
    # Not 0, which is a time that a record may have.
    return -1 if kind == TIMESTAMP_NOT_AVAILABLE else int(milliseconds)


def _warn(line: str) -> None:
    sys.stderr.write(f"verify: {line}\n")
