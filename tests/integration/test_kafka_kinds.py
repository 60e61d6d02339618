"""What Kafka has besides plain records: before a running job each one gets its one answer."""

from __future__ import annotations

import dataclasses
import itertools
import json
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)
from confluent_kafka.cimpl import NewPartitions
from job import Job, wait_until
from scrape import scrape
from verifying import verify

from churn_tools.customers.synthetic import synthetic_customers
from sandbox.kafka.topics import CustomerTopics, create_topics, delete_topics
from sandbox.ports import LOOPBACK, free_port
from stream_telemetry.broker.read import TopicReader

pytestmark = pytest.mark.slow

COMPACTED = {
    "cleanup.policy": "compact",
    "segment.ms": "100",
    "min.cleanable.dirty.ratio": "0.001",
    "max.compaction.lag.ms": "1",
    "message.timestamp.after.max.ms": "9223372036854775807",
}
SECOND_FORMAT = ("--conf", "spark.sql.streaming.offsetLog.formatVersion=2")
"""What a site may set, and a later Spark may write by itself."""
YEAR_2100, YEAR_10000 = 4_102_444_800_000, 253_402_300_800_001
CUSTOMERS = enumerate(itertools.cycle(synthetic_customers(3)))


@pytest.fixture
def job(tmp_path: Path, broker: str, topic_names: CustomerTopics) -> Iterator[Job]:
    raw = f"{topic_names.raw}.kinds"
    create_topics(broker, {raw: 3}, COMPACTED)
    yield Job(tmp_path, broker, dataclasses.replace(topic_names, raw=raw))
    delete_topics(broker, [raw])


@contextmanager
def sending(job: Job, **settings: str) -> Iterator[Producer]:
    producer = Producer({"bootstrap.servers": job.broker, "log_level": 0, **settings})
    yield producer
    assert producer.flush(30) == 0


def send(
    producer: Producer, job: Job, partition: int, count: int, key: str = "", at: int = 0
) -> None:
    """So many customers; with keys of their own, or with this one."""
    for number, customer in itertools.islice(CUSTOMERS, count):
        producer.produce(
            job.topics.raw,
            json.dumps(customer),
            key or str(number),
            partition=partition,
            timestamp=at,
        )
    assert producer.flush(30) == 0


def compact(job: Job) -> int:
    """Leaves gaps in partition 0; how many records are left there."""
    with sending(job) as producer:
        for _ in range(3):
            send(producer, job, 0, 7, key="the same")
            time.sleep(0.3)
        send(producer, job, 0, 1)
    deadline = time.monotonic() + 90
    while (left := records_in_source(job)) == 22:
        assert time.monotonic() < deadline, "Kafka does not compact"
        time.sleep(1)
    return left


def records_in_source(job: Job) -> int:
    with TopicReader({"bootstrap.servers": job.broker}, [job.topics.raw]) as reader:
        return sum(1 for _ in reader.read())


class Figures:
    """What the job shows."""

    def __init__(self, job: Job, process: Popen[str], port: int) -> None:
        self.job, self.process = job, process
        self.url = f"http://{LOOPBACK}:{port}"

    def total(self, name: str, **labels: str) -> float:
        found = scrape(self.url)
        return -1 if found is None else found.total(name, **labels)

    def wait_for(self, answered: int, held_back: int = 0) -> None:
        """Until so many records are dealt with, nothing is behind, and so much is held back."""

        def is_so() -> bool:
            found = scrape(self.url)
            return found is not None and (
                found.total("kafka_messages_processed_total"),
                found.total("kafka_consumer_lag"),
                found.total("stream_lag_seconds"),
                found.total("stream_records_held_back"),
            ) == (answered, 0, 0, held_back)

        wait_until(is_so, self.process)


def test_every_kind_of_record_has_its_one_answer(job: Job) -> None:
    answered = compact(job)
    port = free_port()
    options = ("--trigger", "1 second", "--metrics-port", str(port))
    with job.running(*SECOND_FORMAT, *options) as process:
        figures = Figures(job, process, port)
        figures.wait_for(answered)
        answered += in_transactions(figures, answered)
        with sending(job) as producer:
            for at in (-1, YEAR_2100, YEAR_10000):
                send(producer, job, 2, 1, at=at)
        answered += 3
        figures.wait_for(answered)
        add_partition(job)
        with sending(job) as producer:
            send(producer, job, 3, 5)
        answered += 5
        figures.wait_for(answered)
        let_kafka_set_times(job)
        with sending(job) as producer:
            send(producer, job, 2, 4, at=1_000)
        answered += 4
        figures.wait_for(answered)
        for never in ("stream_records_lost_total", "stream_records_unaccounted"):
            assert figures.total(never) == 0, never
        assert figures.total("stream_broker_poll_errors_total") == 0
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0, process.communicate()[0]
    offsets = job.directory / "checkpoint" / "offsets"
    assert (offsets / "0").read_text().startswith("v2\n")
    with sending(job) as producer:
        send(producer, job, 3, 2)
    again = job.run("--trigger", "once")
    assert again.returncode == 0, again.stderr
    answered += 2
    books, verified = verify(job.broker, job.topics)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert "is compacted" in verified.stderr
    answers = sum(int(books[name]) for name in ("predictions", "dead letters", "expired"))
    assert answers == answered, "each once"
    assert (books["repeated"], books["older topic"], books["lost"]) == ("0", "0", "0")


def in_transactions(figures: Figures, answered: int) -> int:
    """Committed, aborted, and open with others behind it; how many there are to answer."""
    job = figures.job
    with sending(job, **{"transactional.id": job.topics.raw}) as producer:
        producer.init_transactions(30)
        producer.begin_transaction()
        send(producer, job, 1, 3)
        producer.commit_transaction()
        producer.begin_transaction()
        send(producer, job, 1, 2)
        producer.abort_transaction()
        figures.wait_for(answered + 3)
        producer.begin_transaction()
        send(producer, job, 1, 4)
        with sending(job) as other:
            send(other, job, 1, 2)
        figures.wait_for(answered + 3, held_back=6)
        producer.commit_transaction()
    figures.wait_for(answered + 9)
    return 9


def add_partition(job: Job) -> None:
    admin = AdminClient({"bootstrap.servers": job.broker})
    for made in admin.create_partitions([NewPartitions(job.topics.raw, 4)]).values():
        made.result(30)


def let_kafka_set_times(job: Job) -> None:
    kind = ConfigEntry(
        "message.timestamp.type", "LogAppendTime", incremental_operation=AlterConfigOpType.SET
    )
    topic = ConfigResource(ResourceType.TOPIC, job.topics.raw, incremental_configs=[kind])
    admin = AdminClient({"bootstrap.servers": job.broker})
    for altered in admin.incremental_alter_configs([topic]).values():
        altered.result(30)
