"""What can happen to the source: records deleted, taken back, unreadable; partitions added."""

from __future__ import annotations

import dataclasses
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewPartitions
from job import HOME, Job, user_lines, wait_until
from load import publish, records_in
from scrape import scrape
from verifying import verify

from sandbox.kafka.topics import CustomerTopics, create_topics
from sandbox.ports import LOOPBACK, free_port

pytestmark = pytest.mark.slow
BEYOND_SPARK = 18_600_000_000_000_000
ANY_TIME = "9223372036854775807"


@pytest.fixture
def job(tmp_path: Path, broker: str, topic_names: CustomerTopics) -> Job:
    return Job(tmp_path, broker, topic_names)


def delete_before(job: Job, partition: int, offset: int) -> None:
    admin = AdminClient({"bootstrap.servers": job.broker})
    places = [TopicPartition(job.topics.raw, partition, offset)]
    for answered in admin.delete_records(places).values():
        answered.result(30)


def test_records_that_retention_took_end_the_job_or_are_counted(job: Job) -> None:
    publish(job.broker, job.topics.raw, 10, partition=0)
    assert job.run("--trigger", "once").returncode == 0
    publish(job.broker, job.topics.raw, 10, partition=0)
    delete_before(job, 0, 17)
    refused = job.run("--trigger", "once")
    assert refused.returncode == 6, refused.stderr
    assert "set --on-data-loss continue" in user_lines(refused)[-1]
    port = free_port()
    options = ("--on-data-loss", "continue", "--metrics-port", str(port))
    with job.running("--trigger", "1 second", *options) as process:
        outputs = (job.topics.predictions, job.topics.dead_letters)
        wait_until(lambda: records_in(job.broker, *outputs) == 13, process)

        def lost() -> float:
            found = scrape(f"http://{LOOPBACK}:{port}")
            return -1 if found is None else found.total("stream_records_lost_total")

        wait_until(lambda: lost() == 7, process)
        # A producer that takes its records back, and a partition that was not there.
        producer = Producer({"bootstrap.servers": job.broker, "transactional.id": job.topics.raw})
        producer.init_transactions(30)
        producer.begin_transaction()
        producer.produce(job.topics.raw, b"{}", partition=1)
        producer.flush(30)
        producer.abort_transaction()
        admin = AdminClient({"bootstrap.servers": job.broker})
        for made in admin.create_partitions([NewPartitions(job.topics.raw, 4)]).values():
            made.result(30)
        publish(job.broker, job.topics.raw, 5, partition=3)
        wait_until(lambda: records_in(job.broker, *outputs) == 18, process)
        assert lost() == 7
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0, process.communicate()[0]
    books, verified = verify(job.broker, job.topics)
    assert (books["read"], books["expired"], books["repeated"]) == ("8", "10", "0")
    assert books["deleted unread"].startswith("7 ")
    assert (books["lost"], verified.returncode) == ("0", 1)


def test_a_record_that_spark_cannot_read_is_named_and_can_be_skipped(job: Job) -> None:
    raw = f"{job.topics.raw}.times"
    limits = ("message.timestamp.before.max.ms", "message.timestamp.after.max.ms")
    create_topics(job.broker, {raw: 2}, dict.fromkeys(limits, ANY_TIME))
    job = Job(job.directory, job.broker, dataclasses.replace(job.topics, raw=raw))
    producer = Producer({"bootstrap.servers": job.broker})
    for number in range(20):
        # 0 lets the client take the present time.
        made = BEYOND_SPARK if number == 7 else 0
        producer.produce(raw, b"{}", partition=1, timestamp=made)
        producer.produce(raw, b"{}", partition=0)
    assert producer.flush(30) == 0
    checkpoint = ("--checkpoint", str(job.directory / "checkpoint"))
    skip = [sys.executable, "-m", "churn_tools.skip_record", f"{raw}-1-7", *checkpoint]
    told = []
    for _ in range(2):
        blocked = job.run("--trigger", "once")
        assert blocked.returncode == 7, blocked.stderr
        assert f"record {raw}-1-7 has the timestamp {BEYOND_SPARK}" in user_lines(blocked)[-1]
        told.append(
            subprocess.run(
                skip,
                env={"PYTHONPATH": str(HOME / "lib")},
                capture_output=True,
                text=True,
                check=True,
            ).stdout
        )
    assert "run this once more" in told[0]
    assert f"{raw}-1-7 is skipped" in told[1]
    assert job.run("--trigger", "once").returncode == 0
    figures, _ = verify(job.broker, job.topics)
    assert figures["lost"] == f"1 {raw}-1-7"
    assert (figures["read"], figures["dead letters"]) == ("40", "39")
