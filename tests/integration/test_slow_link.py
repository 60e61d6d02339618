"""A link that is slow both ways, and a broker that answers late: the job gets through, once."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from job import Job, wait_until
from load import publish, publish_broken, records_in
from scrape import health, scrape
from slow_link import Link, broker_behind
from verifying import assert_all_accounted

from sandbox.kafka.broker import KafkaBroker
from sandbox.kafka.topics import CustomerTopics
from sandbox.ports import LOOPBACK, free_port

pytestmark = pytest.mark.slow
TOPICS = CustomerTopics("raw", "predictions", "dead")
BYTES_PER_SECOND = 50_000
RECORDS, RECORD_BYTES = 5_100, 2_000
"""At that rate three batches of 1 MB, as they come at once, take as long as Kafka's consumer waits
by default, 60 s."""
SMALL_BATCH_BYTES = 16_384
WRITTEN_BEFORE_KILL = 300
SETTLE_SECONDS = 5.0
LATE_SECONDS, LATEST_SECONDS = 2.0, 10.0
"""Answers that the telemetry still waits for, and those that it does not."""
EVENTS = 200


@pytest.fixture
def link() -> Link:
    return Link()


@pytest.fixture
def far(tmp_path: Path, link: Link) -> Iterator[tuple[KafkaBroker, str]]:
    with broker_behind(link, tmp_path / "kafka") as (broker, address):
        TOPICS.create(broker.bootstrap_servers)
        yield broker, address


class Watched:
    """A job on the far side of the link; the broker is asked on the near one."""

    def __init__(self, directory: Path, far: tuple[KafkaBroker, str]) -> None:
        broker, address = far
        self.near = broker.bootstrap_servers
        self.job = Job(directory, address, TOPICS)
        self.port = free_port()
        self.options = ("--trigger", "1 second", "--metrics-port", str(self.port))

    def is_in(self, state: str) -> bool:
        found = scrape(f"http://{LOOPBACK}:{self.port}")
        return found is not None and found.total("stream_state", state=state) == 1

    def is_well(self) -> bool:
        return health(f"http://{LOOPBACK}:{self.port}")[0] == 200

    def written(self) -> int:
        return records_in(self.near, TOPICS.predictions, TOPICS.dead_letters)

    def answers(self, process: subprocess.Popen[str]) -> None:
        """Publishes events, and waits for all answers."""
        wanted = self.written() + EVENTS
        publish(self.near, TOPICS.raw, EVENTS)
        wait_until(lambda: self.written() >= wanted, process)

    def stop(self, process: subprocess.Popen[str]) -> str:
        """All that it told, once it has ended as asked."""
        process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=120)[0]
        assert process.returncode == 0, said
        assert "restart" not in said
        return said


@pytest.fixture
def watched(tmp_path: Path, far: tuple[KafkaBroker, str]) -> Watched:
    return Watched(tmp_path, far)


def test_a_link_that_is_slow_both_ways_is_waited_for_and_nothing_is_written_twice(
    watched: Watched, link: Link
) -> None:
    publish_broken(watched.near, TOPICS.raw, RECORDS, RECORD_BYTES)
    link.rate = BYTES_PER_SECOND
    with watched.job.running(*watched.options) as process:
        wait_until(lambda: watched.is_in("slow_sink"), process)
        while watched.written() < RECORDS:
            assert process.poll() is None, process.communicate()[0]
            time.sleep(1)
        wait_until(lambda: watched.is_in("running") or watched.is_in("idle"), process)
        said = watched.stop(process)
    assert "health: slow_sink" in said
    books = assert_all_accounted(watched.near, TOPICS)
    assert (books["dead letters"], books["repeated"]) == (RECORDS, 0)


def test_a_kill_in_the_middle_of_a_slow_batch_repeats_only_what_had_got_through(
    watched: Watched, link: Link
) -> None:
    publish_broken(watched.near, TOPICS.raw, RECORDS, RECORD_BYTES, SMALL_BATCH_BYTES)
    link.rate = BYTES_PER_SECOND
    with watched.job.running(*watched.options) as process:
        wait_until(lambda: watched.written() > WRITTEN_BEFORE_KILL, process)
        assert not watched.is_in("stalled")
        os.killpg(process.pid, signal.SIGKILL)
    time.sleep(SETTLE_SECONDS)
    before = watched.written()
    assert before < RECORDS
    link.rate = math.inf
    again = watched.job.run("--trigger", "once")
    assert again.returncode == 0, again.stderr
    books = assert_all_accounted(watched.near, TOPICS)
    assert (books["dead letters"], books["repeated"]) == (RECORDS, before)


def test_a_broker_that_answers_late_is_waited_for(watched: Watched, link: Link) -> None:
    with watched.job.running(*watched.options) as process:
        for late in (0.0, LATE_SECONDS, LATEST_SECONDS):
            link.late = late
            watched.answers(process)
        wait_until(lambda: not watched.is_well(), process)
        link.late = 0.0
        wait_until(watched.is_well, process)
        wait_until(lambda: watched.is_in("idle"), process)
        watched.stop(process)
    books = assert_all_accounted(watched.near, TOPICS)
    assert (books["read"], books["repeated"]) == (3 * EVENTS, 0)
