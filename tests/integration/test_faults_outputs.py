"""What can happen to the places that the job writes to, while it runs."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)
from job import Job, wait_until
from load import load, publish, records_in
from scrape import health, is_ready, scrape
from verifying import assert_all_accounted

from sandbox.kafka.topics import CustomerTopics, create_topics
from sandbox.ports import LOOPBACK, free_port

pytestmark = pytest.mark.slow
END_SECONDS = 150
RECORDS = 200


@pytest.fixture
def job(tmp_path: Path, broker: str, topic_names: CustomerTopics) -> Job:
    return Job(tmp_path, broker, topic_names)


@contextmanager
def that_has_answered(job: Job, *options: str) -> Iterator[subprocess.Popen[str]]:
    """A job that has answered its first records; there are no dead letters among them."""
    publish(job.broker, job.topics.raw, RECORDS)
    with job.running("--trigger", "1 second", *options) as process:
        wait_until(lambda: records_in(job.broker, job.topics.predictions) >= RECORDS, process)
        yield process


def end_of(process: subprocess.Popen[str]) -> tuple[int, str]:
    """The exit code, and the last line told to the user."""
    code = process.wait(END_SECONDS)
    said = process.communicate()[0]
    assert "Traceback" not in said
    return code, said.splitlines()[-1]


def limit_messages(job: Job, topic: str, limit: int) -> None:
    admin = AdminClient({"bootstrap.servers": job.broker})
    entry = ConfigEntry(
        "max.message.bytes", str(limit), incremental_operation=AlterConfigOpType.SET
    )
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
    for altered in admin.incremental_alter_configs([resource]).values():
        altered.result(30)


def test_a_deleted_topic_ends_the_job_and_nothing_is_lost_once_it_is_back(job: Job) -> None:
    admin = AdminClient({"bootstrap.servers": job.broker})
    with that_has_answered(job) as process:
        for deleted in admin.delete_topics([job.topics.dead_letters]).values():
            deleted.result(30)
        publish(job.broker, job.topics.raw, RECORDS)
        broken = Producer({"bootstrap.servers": job.broker})
        for _ in range(10):
            broken.produce(job.topics.raw, b"{}")
        assert broken.flush(30) == 0
        code, line = end_of(process)
    assert code == 4, line
    assert job.topics.dead_letters in line
    create_topics(job.broker, {job.topics.dead_letters: 1})
    assert job.run("--trigger", "once").returncode == 0
    books = assert_all_accounted(job.broker, job.topics)
    assert (books["read"], books["dead letters"]) == (2 * RECORDS + 10, 10)


def test_a_topic_that_begins_to_refuse_ends_the_job_and_no_record_gets_two_fates(job: Job) -> None:
    with that_has_answered(job) as process:
        limit_messages(job, job.topics.predictions, 100)
        publish(job.broker, job.topics.raw, RECORDS)
        code, line = end_of(process)
    # Not by the error of the write: Kafka's client splits such a batch until its thread is dead.
    assert code == 4, line
    assert "takes messages of 100 bytes at most" in line
    refused = job.run("--trigger", "once")
    assert refused.returncode == 4
    limit_messages(job, job.topics.predictions, 1_048_588)
    assert job.run("--trigger", "once").returncode == 0
    books = assert_all_accounted(job.broker, job.topics)
    assert (books["read"], books["in both"]) == (2 * RECORDS, 0)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=512k,mode=0700", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("this user may not mount a small disk")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_a_full_checkpoint_disk_is_waited_for_and_needs_no_repair(
    job: Job, small_disk: Path
) -> None:
    port = free_port()
    url = f"http://{LOOPBACK}:{port}"
    options = ("--checkpoint", str(small_disk / "checkpoint"), "--metrics-port", str(port))

    def restarts() -> float:
        found = scrape(url)
        return -1 if found is None else found.total("stream_restarts_total")

    with that_has_answered(job, *options) as process, load(job.broker, job.topics.raw):
        fill(small_disk / "others")
        wait_until(lambda: restarts() >= 1, process)
        # Until it fails again, the query that was started anew is well.
        wait_until(lambda: health(url)[0] == 503, process)
        (small_disk / "others").unlink()
        wait_until(lambda: is_ready(url), process)
    assert job.run("--trigger", "once", *options).returncode == 0
    books = assert_all_accounted(job.broker, job.topics)
    assert books["read"] > RECORDS


def fill(path: Path) -> None:
    """Writes until the disk has no room left."""
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"\0" * 4096)
