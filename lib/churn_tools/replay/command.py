"""Sends dead letters in again, for what has refused them may be mended by now."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice, takewhile

from confluent_kafka import KafkaException

from churn_tools.replay.letter import DeadLetter, letter_of
from churn_tools.replay.mending import Mending
from churn_tools.replay.selection import Event, Judge, is_meant
from churn_tools.replay.sent_letters import SentLetters, letter_topic
from churn_tools.replay.settings import COMMAND, ChoiceSettings, ReplaySettings
from churn_tools.replay.tally import Tally
from churn_tools.replay.transactions import Sender
from churn_tools.stop_request import StopRequest, stop_on_signals
from churn_tools.verify.keeping import compacted_among
from stream_telemetry.broker.read import RecordAddress, TopicReader
from telco_churn.errors import KafkaUnavailableError
from telco_churn.paths import read_document
from telco_churn.query.settings import TopicSettings
from telco_churn.query.topic_checks import check_there
from telco_churn.record.kind import event_file
from telco_churn.rights.needed import Right, rights_of_replay
from telco_churn.settings.resolve import read

_UNSENT = "Nothing was sent; with --yes it is.\n"
_STOPPED = "Stopped as asked; start it again to send the others.\n"


def main(arguments: Sequence[str]) -> None:
    """Goes through the dead letters, and writes what becomes of them to standard output.

    SIGINT or SIGTERM ends it after the transaction under way; a second one ends it at once.

    Raises:
        SettingsError: an option is unknown or malformed.
        KafkaUnavailableError: no broker answers, a topic is missing, or Kafka takes no events.
    """
    settings = read(ReplaySettings, COMMAND, arguments, os.environ)
    tally = Tally()
    try:
        with stop_on_signals() as stop:
            _replay(settings, tally, stop)
    except KafkaException as error:
        raise KafkaUnavailableError(
            f"{settings.kafka.broker} does not give the dead letters ({error.args[0].str()}); "
            "see whether it is well, then start this again: it repeats nothing"
        ) from error
    is_sent = settings.sending.yes
    sys.stdout.write(tally.described(settings.topics.input_topic, is_sent=is_sent))
    if stop.is_made:
        sys.stdout.write(_STOPPED)
    elif not is_sent and tally.events.count:
        sys.stdout.write(_UNSENT)


def _replay(settings: ReplaySettings, tally: Tally, stop: StopRequest) -> None:
    client, topics, sending = settings.kafka.client, settings.topics, settings.sending
    mending = Mending(read_document(event_file(settings.contract.contract)), sending.mend)
    topic = topics.input_topic
    rights = rights_of_replay(topics, settings.sent_topic, sends=sending.yes)
    found = check_there(settings.kafka, (topic, topics.deadletter_topic), rights)
    sent = SentLetters(client, settings.sent_topic, letter_topic(client, topics.deadletter_topic))
    sender = None
    if sending.yes:
        _prepare(client, sent, found.lacking)
        # Before the next line, so that no other run sends any more when it is read what was sent.
        sender = Sender(client, topic, found.partitions, sent)
    sent.read()
    judge = Judge(sent, sending.max_retries, mending, must_be_in_order=bool(sending.mend))
    letters = takewhile(lambda letter: not stop.is_made, _letters(client, topics))
    events = _events(letters, settings.choice, judge, tally)
    while batch := list(islice(events, sending.batch_size)):
        if sender:
            sender.send(batch)


def _prepare(client: Mapping[str, str], sent: SentLetters, lacking: Sequence[Right]) -> None:
    sent.make()
    for right in lacking:
        sys.stderr.write(f"{COMMAND.prog}: {right.refusal(client)}\n")
    if not lacking and not compacted_among(client, [sent.topic]):
        sys.stderr.write(
            f"{COMMAND.prog}: topic {sent.topic} is not compacted, as far as the broker tells: "
            "what it forgets would be sent again; set cleanup.policy=compact\n"
        )


def _events(
    letters: Iterable[DeadLetter], choice: ChoiceSettings, judge: Judge, tally: Tally
) -> Iterator[Event]:
    """The events to send; all that is found is counted."""
    for letter in letters:
        tally.read += 1
        if is_meant(letter, choice):
            verdict = judge.verdict(letter)
            tally.add(letter, verdict)
            if isinstance(verdict, Event):
                yield verdict


def _letters(client: Mapping[str, str], topics: TopicSettings) -> Iterator[DeadLetter]:
    """Those of the input topic that are there when it begins.

    What is sent may come back while it still reads.
    """
    with TopicReader(client, [topics.deadletter_topic]) as reader:
        ends = reader.bounds().ends
        for record in reader.read():
            place = RecordAddress.of(record)
            is_old = place.offset < ends.get((place.topic, place.partition), 0)
            letter = letter_of(record) if is_old else None
            if letter and letter.source.topic == topics.input_topic:
                yield letter
