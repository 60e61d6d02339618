"""Reading topics of a real broker from beginning to end, and on."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import KafkaException, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewPartitions

from sandbox.kafka.broker import KafkaBroker
from sandbox.kafka.topics import create_topics
from sandbox.ports import LOOPBACK, free_port
from stream_telemetry.broker.read import RecordAddress, TopicReader, headers_of, object_of


@pytest.fixture
def topic(broker: str) -> str:
    name = f"read-{uuid.uuid4()}"
    create_topics(broker, {name: 3})
    return name


def send(broker: str, topic: str, count: int, partition: int = 0) -> None:
    producer = Producer({"bootstrap.servers": broker})
    for number in range(count):
        producer.produce(topic, str(number), partition=partition)
    assert producer.flush(30) == 0


def addresses(records: Iterator[Message] | list[Message]) -> set[tuple[int, int]]:
    return {(at.partition, at.offset) for at in map(RecordAddress.of, records)}


def test_all_that_is_in_the_topics_is_read_and_then_it_ends(broker: str, topic: str) -> None:
    send(broker, topic, 30_000)
    send(broker, topic, 7, partition=2)
    with TopicReader({"bootstrap.servers": broker}, [topic]) as reader:
        found = addresses(reader.read())
        assert found == {(0, n) for n in range(30_000)} | {(2, n) for n in range(7)}
        assert not reader.is_behind()
        bounds = reader.bounds()
    assert bounds.beginnings == {(topic, 0): 0, (topic, 1): 0, (topic, 2): 0}
    assert bounds.ends == {(topic, 0): 30_000, (topic, 1): 0, (topic, 2): 7}


def test_marks_of_transactions_and_what_was_taken_back_are_passed_over(
    broker: str, topic: str
) -> None:
    producer = Producer({"bootstrap.servers": broker, "transactional.id": topic})
    producer.init_transactions(30)
    for ends_well in (True, False):
        producer.begin_transaction()
        producer.produce(topic, b"x", partition=1)
        producer.flush(30)
        producer.commit_transaction() if ends_well else producer.abort_transaction()
    with TopicReader({"bootstrap.servers": broker}, [topic]) as reader:
        assert addresses(reader.read()) == {(1, 0)}
        assert not reader.is_behind(), "behind the record there are only marks"


def test_what_still_comes_is_waited_for_until_it_is_enough(broker: str, topic: str) -> None:
    found: list[Message] = []
    with TopicReader({"bootstrap.servers": broker}, [topic]) as reader:
        sent_at: list[float] = []

        def is_enough() -> bool:
            if not sent_at:
                sent_at.append(time.monotonic())
                send(broker, topic, 5)
            return len(found) == 5

        for record in reader.read(is_enough):
            found.append(record)
    assert addresses(found) == {(0, n) for n in range(5)}


def test_following_begins_at_the_end_and_takes_new_partitions_from_their_beginning(
    broker: str, topic: str
) -> None:
    send(broker, topic, 5)
    with TopicReader({"bootstrap.servers": broker}, [topic]) as reader:
        reader.follow()
        send(broker, topic, 2)
        admin = AdminClient({"bootstrap.servers": broker})
        admin.create_partitions([NewPartitions(topic, 4)])[topic].result(10)
        send(broker, topic, 3, partition=3)
        reader.add_new_partitions()
        found: list[Message] = []
        deadline = time.monotonic() + 20
        while len(found) < 5:
            assert time.monotonic() < deadline
            found += reader.poll(0.2)
    assert addresses(found) == {(0, 5), (0, 6), (3, 0), (3, 1), (3, 2)}


def test_a_place_that_was_deleted_meanwhile_is_gone_on_from_at_what_is_left(
    broker: str, topic: str
) -> None:
    send(broker, topic, 20)
    admin = AdminClient({"bootstrap.servers": broker})
    for deleted in admin.delete_records([TopicPartition(topic, 0, 12)]).values():
        deleted.result(10)
    with TopicReader({"bootstrap.servers": broker}, [topic]) as reader:
        reader._assign({(topic, 0): 5})
        found: list[Message] = []
        while reader.is_behind():
            found += reader.poll(0.2)
    assert addresses(found) == {(0, offset) for offset in range(12, 20)}


def test_of_several_headers_with_one_name_the_last_counts(broker: str, topic: str) -> None:
    producer = Producer({"bootstrap.servers": broker})
    headers: list[tuple[str, str | bytes | None]] = [
        ("a", b"theirs"),
        ("b", b"\xff"),
        ("c", None),
        ("a", b"ours"),
    ]
    producer.produce(topic, b'{"x": 1}', headers=headers)
    producer.produce(topic, b"[" * 100_000)
    assert producer.flush(30) == 0
    with TopicReader({"bootstrap.servers": broker}, [topic]) as reader:
        records = list(reader.read())
    assert sorted(map(str, map(headers_of, records))) == [
        "{'a': 'ours', 'b': '\\\\xff', 'c': ''}",
        "{}",
    ]
    assert sorted(map(str, map(object_of, records))) == ["{'x': 1}", "{}"]


def test_a_topic_that_is_not_there_and_a_broker_that_is_away_are_raised(broker: str) -> None:
    with (
        TopicReader({"bootstrap.servers": broker}, ["not.there"]) as reader,
        pytest.raises(KafkaException, match="UNKNOWN_TOPIC_OR_PART"),
    ):
        reader.begin()
    nobody = {"bootstrap.servers": f"{LOOPBACK}:{free_port()}"}
    with (
        TopicReader(nobody, ["any"], patience=1) as reader,
        pytest.raises(KafkaException, match="_TRANSPORT"),
    ):
        reader.begin()


def test_a_broker_that_falls_silent_ends_the_reading(tmp_path: Path) -> None:
    with KafkaBroker(tmp_path / "kafka") as own:
        create_topics(own.bootstrap_servers, {"silent": 1})
        send(own.bootstrap_servers, "silent", 1)
        with TopicReader({"bootstrap.servers": own.bootstrap_servers}, ["silent"]) as reader:
            reader._patience = 3
            records = reader.read(lambda: False)
            assert RecordAddress.of(next(records)) == ("silent", 0, 0)
            reader._unread = {("silent", 0)}
            own.pause()
            start = time.monotonic()
            with pytest.raises(KafkaException, match="_TIMED_OUT"):
                next(records)
            assert time.monotonic() - start < 10
            own.resume()
