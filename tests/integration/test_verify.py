"""The verifier finds what is wrong with topics that were spoilt on purpose."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable

import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from verifying import verify

from sandbox.kafka.topics import CustomerTopics
from sandbox.ports import free_port

EVENTS = 30


def answer(
    broker: str, topic: str, source: str, offsets: Iterable[int], partition: int = 0
) -> None:
    producer = Producer({"bootstrap.servers": broker})
    for offset in offsets:
        own = {"source_topic": source, "source_partition": partition, "source_offset": offset}
        producer.produce(topic, b"{}", headers={k: str(v).encode() for k, v in own.items()})
    assert producer.flush(30) == 0


@pytest.fixture
def topics(broker: str, topic_names: CustomerTopics) -> CustomerTopics:
    """A source with `EVENTS` records in partition 0 and an aborted one; all but two answered."""
    producer = Producer({"bootstrap.servers": broker, "transactional.id": topic_names.raw})
    producer.init_transactions(30)
    for ends_well, count in ((True, EVENTS), (False, 1)):
        producer.begin_transaction()
        for _ in range(count):
            producer.produce(topic_names.raw, b"{}", partition=0)
        producer.flush(30)
        producer.commit_transaction() if ends_well else producer.abort_transaction()
    answer(broker, topic_names.predictions, topic_names.raw, range(EVENTS - 10))
    answer(broker, topic_names.dead_letters, topic_names.raw, range(EVENTS - 10, EVENTS - 2))
    return topic_names


def test_what_is_lost_is_named(broker: str, topics: CustomerTopics) -> None:
    figures, result = verify(broker, topics)
    assert figures == {
        "read": "30",
        "predictions": "20",
        "dead letters": "8",
        "lost": f"2 {topics.raw}-0-28, {topics.raw}-0-29",
        **dict.fromkeys(
            (
                *("invented", "in both", "repeated", "expired", "deleted unread", "later"),
                *("older topic", "sent again"),
            ),
            "0",
        ),
    }
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert "2 lost, 0 invented, 0 in both" in line


def test_an_answer_to_an_aborted_record_and_a_second_fate_are_found(
    broker: str, topics: CustomerTopics
) -> None:
    aborted = EVENTS + 1  # between them is the mark of the first transaction's end
    answer(broker, topics.predictions, topics.raw, [EVENTS - 2, EVENTS - 1, aborted])
    answer(broker, topics.dead_letters, topics.raw, [0, EVENTS - 3])
    answer(broker, topics.dead_letters, "another.topic", [0, 1])
    figures, result = verify(broker, topics)
    assert figures["lost"] == "0"
    assert figures["invented"] == f"1 {topics.raw}-0-{aborted}"
    assert figures["in both"] == f"1 {topics.raw}-0-0"
    assert figures["repeated"] == f"1 {topics.raw}-0-{EVENTS - 3}"
    assert result.returncode == 1


def test_what_retention_took_from_the_source_is_not_invented(
    broker: str, topics: CustomerTopics
) -> None:
    answer(broker, topics.predictions, topics.raw, [EVENTS - 2, EVENTS - 1])
    admin = AdminClient({"bootstrap.servers": broker})
    for answered in admin.delete_records([TopicPartition(topics.raw, 0, 12)]).values():
        answered.result(30)
    figures, result = verify(broker, topics)
    assert (figures["read"], figures["expired"], figures["invented"]) == ("18", "12", "0")
    assert result.returncode == 0, result.stderr


def test_answers_that_are_still_to_come_are_waited_for(broker: str, topics: CustomerTopics) -> None:
    late = threading.Timer(
        2, answer, (broker, topics.predictions, topics.raw, [EVENTS - 2, EVENTS - 1])
    )
    late.start()
    begin = time.monotonic()
    figures, result = verify(broker, topics, "--timeout", "30")
    late.join()
    assert (figures["lost"], result.returncode) == ("0", 0)
    assert time.monotonic() - begin < 20


@pytest.mark.parametrize(
    ("options", "exit_code", "said"),
    [
        (["--timeout", "soon"], 2, "--timeout"),
        (["--tpoic", "x"], 2, "unknown argument --tpoic"),
        (["--broker", f"127.0.0.1:{free_port()}"], 4, "no Kafka broker answers"),
        (["--output-topic", "not.there"], 4, "topic not.there does not exist"),
    ],
)
def test_a_mistake_is_one_line(
    broker: str, topic_names: CustomerTopics, options: list[str], exit_code: int, said: str
) -> None:
    _, result = verify(broker, topic_names, *options)
    assert result.returncode == exit_code
    (line,) = result.stderr.splitlines()
    assert said in line
