"""Dead letters are sent in again: each at most once, whatever stops the command and when."""

from __future__ import annotations

import io
import json
import os
import shlex
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import redirect_stdout
from itertools import islice
from pathlib import Path

import pytest
from confluent_kafka import Message, Producer
from confluent_kafka.admin import AdminClient
from dead_letter_records import Headers, dead_letter
from job import HOME, Job
from publishing import records_in as committed_in
from verifying import assert_all_accounted

from churn_tools.customers.synthetic import synthetic_customers
from churn_tools.replay.command import main
from churn_tools.replay.letter import letter_of
from churn_tools.replay.selection import Event
from churn_tools.replay.sent_letters import SentLetters, letter_topic
from churn_tools.replay.transactions import Sender
from sandbox.kafka.topics import CustomerTopics, create_topics, delete_topics
from stream_telemetry.broker.offsets import BrokerOffsets
from stream_telemetry.broker.read import object_of
from telco_churn.errors import KafkaUnavailableError, TopicError

LETTERS = 500
BATCH = 100


@pytest.fixture
def topics(broker: str, topic_names: CustomerTopics) -> Iterator[CustomerTopics]:
    yield topic_names
    delete_topics(broker, [sent_topic(topic_names)])


def sent_topic(topics: CustomerTopics) -> str:
    return f"{topics.dead_letters}.sent"


def customers() -> Iterator[dict[str, object]]:
    """Customers as a careless sender writes them, each broken in a way that can be mended."""
    for number, customer in enumerate(synthetic_customers(4)):
        tenure = str(customer["tenure"])
        faults: list[dict[str, object]] = [
            {"tenure": tenure},
            {"gender": str(customer["gender"]).upper()},
            {"Partner": customer["Partner"] == "Yes", "tenure": f" {tenure} "},
            {"event_ts": "2026-11-28T05:00:00+01:00"},
            {"colour": "green"},
        ]
        yield customer | faults[number % len(faults)]


MEND = ("--mend", "trim,number-text,case,yes-no,utc,unknown-fields")


def write_letters(broker: str, topics: CustomerTopics, count: int) -> None:
    """Dead letters as the job writes them."""
    producer = Producer({"bootstrap.servers": broker})
    for number, customer in enumerate(islice(customers(), count)):
        source: Headers = [
            ("traceparent", b"00-%d" % number),
            ("source_topic", topics.raw.encode()),
            ("source_partition", b"%d" % (number % 3)),
            ("source_offset", b"%d" % number),
            ("source_timestamp", b"1764300000000"),
            ("latency_ms", b"0.1"),
        ]
        letter = dead_letter(json.dumps(customer).encode(), ("tenure", "wrong_type"))
        key = str(customer["customerID"]).encode()
        producer.produce(topics.dead_letters, letter.value(), key, headers=source)
    assert producer.flush(30) == 0


def options(broker: str, topics: CustomerTopics, *more: str) -> list[str]:
    return [
        *("--broker", broker, "--input-topic", topics.raw),
        *("--deadletter-topic", topics.dead_letters, "--batch-size", str(BATCH), *more),
    ]


def replay(broker: str, topics: CustomerTopics, *more: str) -> dict[str, int]:
    """The command's own figures."""
    with redirect_stdout(io.StringIO()) as output:
        main(options(broker, topics, *more))
    return figures(output.getvalue())


def figures(output: str) -> dict[str, int]:
    lines = [line for line in output.splitlines() if line[:14].strip() and line[14:25].strip()]
    return {
        line[:14].strip(): int(line[14:25].replace(",", ""))
        for line in lines
        if line[14:25].replace(",", "").strip().isdecimal()
    }


def kill_in_transaction(number: int, broker: str, topics: CustomerTopics, *more: str) -> None:
    program = str(Path(__file__).parent / "killed_replay.py")
    result = subprocess.run(
        [sys.executable, program, str(number), *options(broker, topics, "--yes", *more)],
        env=os.environ | {"PYTHONPATH": str(HOME / "lib")},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == -signal.SIGKILL, result.stderr


def written_in(broker: str, topic: str) -> int:
    """Offsets that the topic has used, also those that nobody may read."""
    offsets = BrokerOffsets(topic, "written", {"bootstrap.servers": broker})
    try:
        return sum(offsets.bounds().written.values())
    finally:
        offsets.close()


def customers_in(records: list[Message]) -> Counter[str]:
    return Counter(str(object_of(record)["customerID"]) for record in records)


def test_nothing_is_sent_and_no_topic_is_made_without_yes(
    broker: str, topics: CustomerTopics
) -> None:
    write_letters(broker, topics, 20)
    program = str(HOME / "jobs" / "replay_dead_letters.py")
    result = subprocess.run(
        [sys.executable, program, *options(broker, topics, *MEND)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (result.returncode, result.stderr) == (0, "")
    found = figures(result.stdout)
    assert (found["read"], found["meant"], found["to send"], found["mended"]) == (20, 20, 20, 20)
    assert committed_in(broker, topics.raw) == []
    known = AdminClient({"bootstrap.servers": broker}).list_topics(timeout=10).topics
    assert sent_topic(topics) not in known


def test_the_command_of_the_page_says_what_the_page_shows(
    broker: str, topics: CustomerTopics, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (HOME / "docs" / "replay.md").read_text("utf-8")
    block = page.split("```console\n$ python jobs/replay_dead_letters.py ")[1].split("```")[0]
    command, *shown = block.splitlines()
    write_letters(broker, topics, 5)
    main([*shlex.split(command), *options(broker, topics)])
    said = capsys.readouterr().out.splitlines()
    assert [line[:14] for line in said] == [line[:14] for line in shown]
    assert figures("\n".join(said))["to send"] == 1


def test_a_letter_is_sent_once_with_key_headers_and_place_of_its_event(
    broker: str, topics: CustomerTopics
) -> None:
    write_letters(broker, topics, 20)
    assert replay(broker, topics, "--yes")["sent"] == 20
    records = {record.key(): record for record in committed_in(broker, topics.raw)}
    assert len(records) == 20
    for number, customer in enumerate(islice(customers(), 20)):
        record = records[str(customer["customerID"]).encode()]
        event = json.loads(record.value() or b"")
        # A synthetic customer has the time at which it was made.
        assert {**event, "event_ts": 0} == {**customer, "event_ts": 0}
        assert record.headers() == [("traceparent", b"00-%d" % number), ("retry_count", b"1")]
        assert record.partition() == number % 3
    found = replay(broker, topics, "--yes", *MEND)
    assert (found["sent before"], found["sent"]) == (20, 0)
    assert len(committed_in(broker, topics.raw)) == 20


def test_letters_that_one_choice_leaves_out_are_there_for_the_next(
    broker: str, topics: CustomerTopics
) -> None:
    write_letters(broker, topics, 20)
    chosen = ("--record", f"{topics.raw}-1-7")
    assert replay(broker, topics, "--yes", *chosen)["sent"] == 1
    found = replay(broker, topics, "--yes")
    assert (found["sent before"], found["sent"]) == (1, 19)


def test_a_kill_in_a_transaction_leaves_it_out_and_the_next_run_sends_it(
    broker: str, topics: CustomerTopics
) -> None:
    write_letters(broker, topics, LETTERS)
    kill_in_transaction(3, broker, topics, *MEND)
    # They are there, but nobody who reads committed records sees them.
    assert written_in(broker, topics.raw) >= 3 * BATCH
    assert len(committed_in(broker, topics.raw)) == 2 * BATCH
    found = replay(broker, topics, "--yes", *MEND)
    assert (found["sent before"], found["sent"]) == (2 * BATCH, LETTERS - 2 * BATCH)
    sent = customers_in(committed_in(broker, topics.raw))
    assert sent == Counter(str(one["customerID"]) for one in islice(customers(), LETTERS))


def test_letters_of_an_older_topic_of_the_same_name_do_not_hide_the_new_ones(
    broker: str, topics: CustomerTopics
) -> None:
    write_letters(broker, topics, 20)
    assert replay(broker, topics, "--yes")["sent"] == 20
    delete_topics(broker, [topics.dead_letters])
    create_topics(broker, {topics.dead_letters: 1})
    write_letters(broker, topics, 20)
    assert replay(broker, topics, "--yes")["sent"] == 20


def test_a_second_run_beside_it_ends_the_first_which_sends_no_more(
    broker: str, topics: CustomerTopics
) -> None:
    client = {"bootstrap.servers": broker}
    sent = SentLetters(client, sent_topic(topics), letter_topic(client, topics.dead_letters))
    sent.make()
    write_letters(broker, topics, 2)
    one, other = _events(broker, topics)
    first = Sender(client, topics.raw, 3, sent)
    first.send([one])
    Sender(client, topics.raw, 3, sent)
    with pytest.raises(KafkaUnavailableError, match="another run sends dead letters"):
        first.send([other])
    assert len(committed_in(broker, topics.raw)) == 1


def test_events_that_kafka_refuses_are_not_sent_and_not_called_so(
    broker: str, topics: CustomerTopics
) -> None:
    write_letters(broker, topics, 20)
    small = f"{topics.raw}.small"
    create_topics(broker, {small: 3}, {"max.message.bytes": "100"})
    client = {"bootstrap.servers": broker}
    try:
        sent = SentLetters(client, sent_topic(topics), letter_topic(client, topics.dead_letters))
        sent.make()
        sender = Sender(client, small, 3, sent)
        with pytest.raises(KafkaUnavailableError, match=r"too large.*0 events were sent"):
            sender.send(_events(broker, topics))
        sent.read()
        assert not any(event.letter in sent for event in _events(broker, topics))
    finally:
        delete_topics(broker, [small])


def _events(broker: str, topics: CustomerTopics) -> list[Event]:
    letters = [letter_of(record) for record in committed_in(broker, topics.dead_letters)]
    return [Event(letter, letter.value, is_in_order=True) for letter in letters if letter]


@pytest.mark.parametrize("option", ["--deadletter-topic", "--input-topic"])
def test_a_topic_that_is_missing_is_named(broker: str, topics: CustomerTopics, option: str) -> None:
    with pytest.raises(TopicError, match=r"topic not\.there does not exist"):
        main([*options(broker, topics), option, "not.there"])


@pytest.mark.slow
def test_500_mended_letters_become_500_predictions_and_nothing_else(
    broker: str, topics: CustomerTopics, tmp_path: Path
) -> None:
    producer = Producer({"bootstrap.servers": broker})
    for customer in islice(customers(), LETTERS):
        producer.produce(topics.raw, json.dumps(customer), str(customer["customerID"]))
    assert producer.flush(30) == 0
    job = Job(tmp_path, broker, topics)

    def run() -> tuple[int, int, int]:
        """What is there after another run of the job: read, predictions, dead letters."""
        result = job.run("--trigger", "once")
        assert result.returncode == 0, result.stderr
        found = assert_all_accounted(broker, topics)
        assert found["repeated"] == 0
        return found["read"], found["predictions"], found["dead letters"]

    assert run() == (LETTERS, 0, LETTERS)
    kill_in_transaction(3, broker, topics, *MEND)
    assert replay(broker, topics, "--yes", *MEND)["sent"] == LETTERS - 2 * BATCH
    assert run() == (2 * LETTERS, LETTERS, LETTERS)
    assert replay(broker, topics, "--yes", *MEND)["sent"] == 0
    assert run() == (2 * LETTERS, LETTERS, LETTERS)
    predicted = customers_in(committed_in(broker, topics.predictions))
    assert predicted == Counter(str(one["customerID"]) for one in islice(customers(), LETTERS))
    assert assert_all_accounted(broker, topics)["sent again"] == LETTERS
