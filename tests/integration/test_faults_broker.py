"""Outages of the broker and of the disk: the job goes on by itself, or ends and says why."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from job import Job, wait_until
from load import load, publish, records_in
from scrape import health, is_ready, scrape
from verifying import assert_all_accounted

from sandbox.kafka.broker import KafkaBroker
from sandbox.kafka.topics import CustomerTopics
from sandbox.ports import LOOPBACK, free_port

pytestmark = pytest.mark.slow
STOP_SECONDS = 30.0
BATCH = 1_000
TOPICS = CustomerTopics("raw", "predictions", "dead")


@pytest.fixture
def own_broker(tmp_path: Path) -> Iterator[KafkaBroker]:
    with KafkaBroker(tmp_path / "kafka") as broker:
        TOPICS.create(broker.bootstrap_servers)
        yield broker
        broker.resume()


@pytest.fixture
def job(tmp_path: Path, own_broker: KafkaBroker) -> Job:
    return Job(tmp_path, own_broker.bootstrap_servers, TOPICS)


class Watched:
    """A running job, seen from outside."""

    def __init__(self, job: Job, process: subprocess.Popen[str], port: int) -> None:
        self._job = job
        self._process = process
        self._url = f"http://{LOOPBACK}:{port}"

    @property
    def answers(self) -> int:
        return records_in(self._job.broker, TOPICS.predictions, TOPICS.dead_letters)

    def total(self, metric: str) -> float:
        found = scrape(self._url)
        return -1 if found is None else found.total(metric)

    def is_well(self) -> bool:
        return is_ready(self._url)

    def wait_for_answers(self) -> None:
        before = self.answers
        wait_until(lambda: self.answers > before, self._process)

    def wait_for_trouble(self, check: str) -> None:
        def is_told() -> bool:
            status, checks = health(self._url)
            return (status, checks.get(check)) == (503, "fail")

        wait_until(is_told, self._process)

    def wait_until_well(self) -> None:
        wait_until(self.is_well, self._process)


def test_outages_of_the_broker_pass_by_themselves(own_broker: KafkaBroker, job: Job) -> None:
    port = free_port()
    options = ("--trigger", "1 second", "--max-offsets-per-trigger", str(BATCH))
    with job.running(*options, "--metrics-port", str(port)) as process:
        watched = Watched(job, process, port)
        with load(job.broker, TOPICS.raw):
            watched.wait_for_answers()
            watched.wait_until_well()
            own_broker.pause()
            watched.wait_for_trouble("broker_connection")
            time.sleep(50)
            own_broker.resume()
            watched.wait_until_well()
            watched.wait_for_answers()
            own_broker.kill()
            watched.wait_for_trouble("broker_connection")
            time.sleep(150)
            own_broker.start()
            watched.wait_until_well()
            watched.wait_for_answers()
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0, process.communicate()[0]
    assert job.run("--trigger", "once").returncode == 0
    books = assert_all_accounted(job.broker, TOPICS)
    sys.stdout.write(f"{books}\n")
    assert books["read"] > 5_000
    # What was sent when the broker was paused, or died, may have arrived without an answer.
    assert books["repeated"] <= 2 * BATCH, books


def test_a_wrong_address_of_the_broker_is_forgotten_once_it_is_right(
    own_broker: KafkaBroker, job: Job, tmp_path: Path
) -> None:
    port, broker_port = free_port(), int(own_broker.bootstrap_servers.rsplit(":")[-1])
    wrong = {"advertised.listeners": f"PLAINTEXT://{LOOPBACK}:{free_port()}"}
    with job.running("--trigger", "1 second", "--metrics-port", str(port)) as process:
        watched = Watched(job, process, port)
        publish(job.broker, TOPICS.raw, 50)
        wait_until(lambda: watched.answers >= 50, process)
        own_broker.stop()
        with KafkaBroker(tmp_path / "kafka", broker_port, wrong):
            watched.wait_for_trouble("broker_connection")
            time.sleep(90)
            assert process.poll() is None
        own_broker.start()
        publish(job.broker, TOPICS.raw, 50)
        wait_until(lambda: watched.answers >= 100, process)
        watched.wait_until_well()
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0, process.communicate()[0]
    assert_all_accounted(job.broker, TOPICS)


def test_a_stop_ends_in_time_though_the_broker_is_gone(own_broker: KafkaBroker, job: Job) -> None:
    with job.running("--trigger", "1 second") as process:
        watched = Watched(job, process, 0)
        with load(job.broker, TOPICS.raw):
            watched.wait_for_answers()
        publish(job.broker, TOPICS.raw, 5_000)
        own_broker.kill()
        time.sleep(5)
        start = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(90) == 0, process.communicate()[0]
        took = time.monotonic() - start
        sys.stdout.write(f"stopped in {took:.1f} s\n")
        assert took < STOP_SECONDS
    own_broker.start()
    assert job.run("--trigger", "once").returncode == 0
    assert_all_accounted(job.broker, TOPICS)


def test_a_broken_disk_is_waited_for_and_in_the_end_it_is_enough(job: Job) -> None:
    port = free_port()
    options = ("--trigger", "1 second", "--max-restarts", "3", "--metrics-port", str(port))
    offsets = job.directory / "checkpoint" / "offsets"
    away = offsets.with_name("away")
    with job.running(*options) as process, load(job.broker, TOPICS.raw):
        watched = Watched(job, process, port)
        watched.wait_for_answers()
        offsets.rename(away)
        offsets.write_text("no directory")
        watched.wait_for_trouble("query_progress")
        # It fails first, and a moment later it is started again.
        wait_until(lambda: watched.total("stream_restarts_total") >= 1, process)
        offsets.unlink()
        away.rename(offsets)
        watched.wait_until_well()
        watched.wait_for_answers()
        offsets.rename(away)
        offsets.write_text("no directory")
        assert process.wait(120) == 5
        said = process.communicate()[0]
    # Nobody has read the console, which takes no more lines once it is full; the log has all.
    log = (job.directory / "logs" / "kafka_consumer.log").read_text("utf-8")
    assert "restart 3 of 3 in 4 s" in log
    assert "Traceback" not in said
    offsets.unlink()
    away.rename(offsets)
    assert job.run("--trigger", "once").returncode == 0
    assert_all_accounted(job.broker, TOPICS)
