"""Checks that nothing is lost: `python -m churn_tools.verify --broker … --input-topic …`.

Reads the three topics of a job from their beginnings and compares them (`balance.py`). Kafka has
to keep the outputs at least as long as the source, or what it has deleted there counts as lost; a
compacted source cannot be verified.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from confluent_kafka import KafkaException

from churn_tools.verify.balance import NAMED, Balance, Fate, Finding, Ledger
from stream_telemetry.broker.read import RecordAddress, TopicReader, headers_of
from stream_telemetry.options import OwnOptions, option
from stream_telemetry.values import number
from telco_churn.errors import ChurnStreamError, KafkaUnavailableError
from telco_churn.outcome.source_headers import source_of, time_of_source
from telco_churn.query.settings import BrokerSettings, TopicSettings
from telco_churn.query.topic_checks import check_topics
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
    sys.stdout.write(described(balance))
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
        "later": balance.later,
        "older topic": balance.older,
    }
    return "".join(f"{name:14}{_shown(value)}\n" for name, value in figures.items())


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
    with TopicReader(client, [source]) as events, TopicReader(client, [*fates]) as answers:
        ledger = Ledger(events.bounds(), lambda: events.bounds().ends)
        for event in events.read():
            ledger.read(RecordAddress.of(event), event.timestamp()[1])
        deadline = time.monotonic() + timeout
        for answer in answers.read(lambda: not ledger.unanswered or time.monotonic() > deadline):
            headers = headers_of(answer)
            record = source_of(headers)
            if record is not None and record.topic == source:
                ledger.answered(record, fates[str(answer.topic())], time_of_source(headers))
        return ledger.balance(events.bounds().beginnings)
