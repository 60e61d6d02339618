"""Each way to lose records that is known, made by hand, is found by the verifier."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

from churn_tools.verify.command import BalanceError, main
from sandbox.kafka.topics import CustomerTopics, create_topics, delete_topics

NOW = int(time.time() * 1000)
SENT = 30


@dataclass
class Books:
    """A source and its answers, written as a job would have."""

    broker: str
    topics: CustomerTopics
    made: dict[int, int] = field(default_factory=dict)

    def send(self, offsets: Iterable[int], at: int = NOW, partition: int = 0) -> None:
        """Records with a time of their own each, in this order."""
        producer = Producer({"bootstrap.servers": self.broker})
        for offset in offsets:
            self.made[offset] = at + offset
            producer.produce(
                self.topics.raw, b"{}", partition=partition, timestamp=self.made[offset]
            )
        assert producer.flush(30) == 0

    def answer(self, offsets: Iterable[int], partition: int = 0) -> None:
        """A prediction for each, as long as nothing else was sent in its place."""
        producer = Producer({"bootstrap.servers": self.broker})
        for offset in offsets:
            own = {
                "source_topic": self.topics.raw,
                "source_partition": partition,
                "source_offset": offset,
                "source_timestamp": self.made.get(offset, NOW),
            }
            headers: dict[str, str | bytes | None] = {n: str(value) for n, value in own.items()}
            producer.produce(self.topics.predictions, b"{}", partition=0, headers=headers)
        assert producer.flush(30) == 0

    def transaction(self, records: int) -> Producer:
        """One that is still open."""
        producer = Producer(
            {
                "bootstrap.servers": self.broker,
                "transactional.id": self.topics.raw,
                "log_level": 0,
            }
        )
        producer.init_transactions(30)
        producer.begin_transaction()
        for _ in range(records):
            producer.produce(self.topics.raw, b"{}", partition=0)
        assert producer.flush(30) == 0
        return producer

    def wait_for_end(self, offset: int) -> None:
        """Returns when partition 0 of the source ends there, marks of transactions included."""
        reader = Consumer({"bootstrap.servers": self.broker, "group.id": "end"})
        deadline = time.monotonic() + 30
        place = TopicPartition(self.topics.raw, 0)
        while (ends := reader.get_watermark_offsets(place)) is None or ends[1] < offset:
            assert time.monotonic() < deadline, "the mark does not come"
            time.sleep(0.05)
        reader.close()

    def make_source_anew(self, partitions: int = 3) -> None:
        delete_topics(self.broker, [self.topics.raw])
        create_topics(self.broker, {self.topics.raw: partitions})

    def delete(self, topic: str, before: int) -> None:
        admin = AdminClient({"bootstrap.servers": self.broker})
        for deleted in admin.delete_records([TopicPartition(topic, 0, before)]).values():
            deleted.result(30)

    def compact_source(self) -> None:
        policy = ConfigEntry(
            "cleanup.policy", "compact", incremental_operation=AlterConfigOpType.SET
        )
        topic = ConfigResource(ResourceType.TOPIC, self.topics.raw, incremental_configs=[policy])
        admin = AdminClient({"bootstrap.servers": self.broker})
        for altered in admin.incremental_alter_configs([topic]).values():
            altered.result(30)


def begun_anew_at_the_end(books: Books) -> None:
    books.send(range(SENT))
    books.answer([*range(10), *range(20, SENT)])


def made_anew_with_fewer_records(books: Books) -> None:
    books.send(range(10))
    books.answer(range(10))
    books.make_source_anew()
    books.send(range(6), at=NOW + 60_000)


def made_anew_while_it_ran(books: Books) -> None:
    books.send(range(10))
    books.answer(range(10))
    books.make_source_anew()
    books.send(range(25), at=NOW + 60_000)
    books.answer(range(10, 25))


def made_anew_with_fewer_partitions(books: Books) -> None:
    books.send(range(4), partition=2)
    books.answer(range(4), partition=2)
    books.make_source_anew(2)


def made_anew_without_times(books: Books) -> None:
    books.send(range(3))
    books.answer(range(3))
    books.make_source_anew()
    for _ in range(3):
        books.send([0], at=-1)


def skipped_by_the_model(books: Books) -> None:
    books.send(range(SENT))
    books.answer(offset for offset in range(SENT) if offset % 3)


def cut_off(books: Books) -> None:
    books.send(range(20))
    books.answer(range(20))
    # What a leader that was not in sync would have: the first twelve as they were, then others.
    books.make_source_anew()
    books.send(range(12))
    books.send(range(12, 16), at=NOW + 60_000)


def aborted(books: Books, *, is_answered: bool = False) -> None:
    books.send(range(5))
    books.transaction(2).abort_transaction()
    # The broker writes the mark of the end, at offset 7, some time after it has said yes.
    books.wait_for_end(8)
    books.send([8])
    books.answer([*range(5), 8, *([5] if is_answered else [])])


def still_open(books: Books) -> None:
    books.send(range(5))
    books.answer(range(5))
    producer = books.transaction(2)
    books.send([7, 8])
    OPEN.append(producer)


def deleted_unread(books: Books) -> None:
    books.send(range(SENT))
    books.delete(books.topics.raw, 17)
    books.answer([*range(10), *range(17, SENT)])


def deleted_after_its_answers(books: Books) -> None:
    books.send(range(SENT))
    books.answer(range(SENT))
    books.delete(books.topics.raw, 17)


def answers_deleted(books: Books) -> None:
    books.send(range(SENT))
    books.answer(range(SENT))
    books.delete(books.topics.predictions, 7)


def compacted(books: Books, *, is_answered: bool = True) -> None:
    # Aborted records are as absent as compacted ones, and need no cleaner to come by.
    aborted(books, is_answered=True)
    if not is_answered:
        books.send([9])
    books.compact_source()


def merged_by_the_producer(books: Books) -> None:
    books.send(range(25))
    books.answer(range(25))


OPEN: list[Producer] = []
ALL_IS_WELL = 0
FOUND = 1


@pytest.mark.parametrize(
    ("lose", "figures", "exit_code", "said"),
    [
        (begun_anew_at_the_end, {"lost": 10}, FOUND, "10 lost"),
        (made_anew_with_fewer_records, {"older topic": 6, "lost": 6, "invented": 4}, FOUND, "6 lo"),
        (made_anew_while_it_ran, {"older topic": 10, "lost": 10}, FOUND, "10 lost"),
        (made_anew_with_fewer_partitions, {"read": 0, "invented": 4}, FOUND, "4 invented"),
        (made_anew_without_times, {"older topic": 3, "lost": 3}, FOUND, "3 lost"),
        (skipped_by_the_model, {"lost": 10}, FOUND, "10 lost"),
        (cut_off, {"lost": 4, "older topic": 4, "invented": 4}, FOUND, "4 lost, 4 invented"),
        (aborted, {"read": 6, "lost": 0, "deleted unread": 0}, ALL_IS_WELL, ""),
        (partial(aborted, is_answered=True), {"lost": 0, "invented": 1}, FOUND, "1 invented"),
        (still_open, {"read": 5, "lost": 0}, ALL_IS_WELL, "open at offset 5: 4 offsets"),
        (deleted_unread, {"expired": 10, "deleted unread": 7}, FOUND, "7 deleted unread"),
        (deleted_after_its_answers, {"expired": 17, "deleted unread": 0}, ALL_IS_WELL, ""),
        (answers_deleted, {"lost": 7}, FOUND, "keeps the outputs as long"),
        (compacted, {"expired": 1, "invented": 0}, ALL_IS_WELL, "is compacted"),
        (partial(compacted, is_answered=False), {"lost": 1, "expired": 1}, FOUND, "1 lost"),
        (merged_by_the_producer, {"read": 25, "lost": 0}, FOUND, "5 records of 30"),
    ],
)
def test_a_loss_is_found(
    broker: str,
    topic_names: CustomerTopics,
    capsys: pytest.CaptureFixture[str],
    lose: Callable[[Books], None],
    figures: dict[str, int],
    exit_code: int,
    said: str,
) -> None:
    lose(Books(broker, topic_names))
    arguments = {
        "--broker": broker,
        "--input-topic": topic_names.raw,
        "--output-topic": topic_names.predictions,
        "--deadletter-topic": topic_names.dead_letters,
    }
    if lose is merged_by_the_producer:
        arguments["--expected"] = str(SENT)
    ended, line = ALL_IS_WELL, ""
    try:
        main([word for pair in arguments.items() for word in pair])
    except BalanceError as error:
        ended, line = error.exit_code, str(error)
    finally:
        for producer in OPEN:
            producer.abort_transaction(30)
        OPEN.clear()
    printed = capsys.readouterr()
    found = {row[:14].strip(): int(row[14:25].replace(",", "")) for row in printed.out.splitlines()}
    assert {name: found[name] for name in figures} == figures, printed.out
    assert ended == exit_code, printed.out
    assert said in printed.err + line
