"""Requests to stop, as terminals, shells and supervisors make them."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from job import Job, wait_until
from load import publish, records_in

from sandbox.kafka.read_back import answered, read_topic
from sandbox.kafka.topics import CustomerTopics
from stream_telemetry.checkpoint.logs import read_plan

RECORDS, BATCH = 60_000, 10_000
OPTIONS = ("--trigger", "100 milliseconds", "--max-offsets-per-trigger", str(BATCH))


@pytest.fixture
def job(tmp_path: Path, broker: str, topic_names: CustomerTopics) -> Job:
    publish(broker, topic_names.raw, RECORDS)
    return Job(tmp_path, broker, topic_names)


def answers(job: Job) -> int:
    return records_in(job.broker, job.topics.predictions, job.topics.dead_letters)


def committed(job: Job) -> Iterator[tuple[int, int]]:
    """Partition and offset of each record in the batches that were committed."""
    checkpoint = job.directory / "checkpoint"
    newest = max(int(f.name) for f in (checkpoint / "commits").iterdir() if f.name.isdigit())
    plan = read_plan((checkpoint / "offsets" / str(newest)).read_text())
    for (_, partition), position in plan.positions.items():
        yield from ((partition, offset) for offset in range(position))


@pytest.mark.parametrize(
    "way",
    [
        "Ctrl-C in a terminal",
        # SIGHUP by itself looks for another model.
        pytest.param("the terminal is closed", marks=pytest.mark.slow),
    ],
)
def test_one_request_lets_the_batch_end_and_repeats_nothing(job: Job, way: str) -> None:
    screen, terminal = os.openpty()
    with job.running(*OPTIONS, terminal=terminal) as process:
        os.close(terminal)
        # A batch is being written.
        wait_until(lambda: answers(job) > BATCH, process)
        if way == "the terminal is closed":
            os.close(screen)
        else:
            os.write(screen, b"\x03")
        assert process.wait(60) == 0, process.communicate()[0]
        said = process.communicate()[0]
    assert "Traceback" not in said
    topics = (job.topics.predictions, job.topics.dead_letters)
    found = [answered(m)[1:] for topic in topics for m in read_topic(job.broker, topic)]
    done = list(committed(job))
    assert sorted(found) == sorted(done)
    assert len(done) < RECORDS


@pytest.mark.slow
def test_the_second_press_ends_a_long_batch_at_once(job: Job) -> None:
    publish(job.broker, job.topics.raw, 2 * RECORDS)
    options = ("--trigger", "1 second", "--max-offsets-per-trigger", str(4 * RECORDS))
    with job.running(*options) as process:
        wait_until(lambda: answers(job) > 0, process)
        os.killpg(process.pid, signal.SIGINT)
        time.sleep(2)
        assert process.poll() is None, "the batch is let finish"
        start = time.monotonic()
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(60) == 0, process.communicate()[0]
        assert time.monotonic() - start < 15
    commits = job.directory / "checkpoint" / "commits"
    assert [f.name for f in commits.iterdir() if f.name.isdigit()] == []
