"""Starts, stops, kills, the sandbox and the outputs on every Java that this machine has.

All other tests run on the one that `JAVA_HOME` names, or on that of the Python packages.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import pytest
from confluent_kafka import Producer
from job import HOME, Job, wait_until
from load import publish, records_in
from mutations import messages
from verifying import assert_all_accounted

from launcher.errors import LaunchError
from launcher.java import choose_java, packaged_java
from sandbox.kafka.read_back import read_topic
from sandbox.kafka.topics import CustomerTopics
from stream_telemetry.broker.read import headers_of
from telco_churn.outcome.source_headers import LATENCY

pytestmark = pytest.mark.slow
RECORDS, BATCH, ODD_RECORDS = 40_000, 5_000, 5_000
OPTIONS = ("--trigger", "100 milliseconds", "--max-offsets-per-trigger", str(BATCH))
# What differs between two runs on the same Java, too.
CLOCKS = re.compile(rb'"(processed_ts|failed_ts)":"[^"]*"|"(inference_latency_ms)":[^,}]*')


class Output(NamedTuple):
    """A record in an output topic; its headers name the event."""

    topic: str
    key: bytes | str | None
    value: bytes
    headers: tuple[tuple[str, str], ...]


def javas() -> dict[str, Path]:
    """The homes of all Javas here that Spark can run on, by version and name."""
    programs = [program for program in [packaged_java()] if program]
    for place in ("/usr/lib/jvm", "/opt"):
        programs += sorted(Path(place).glob("*/bin/java"))
    found: dict[Path, str] = {}
    for program in programs:
        home = program.resolve().parents[1]
        try:
            version = choose_java({"JAVA_HOME": str(home)}).version
        except LaunchError:
            continue
        found.setdefault(home, f"{version}-{home.name}")
    return {name: home for home, name in found.items()}


JAVAS = javas()
on_each = pytest.mark.parametrize("home", JAVAS.values(), ids=JAVAS.keys())


@pytest.fixture
def job(tmp_path: Path, broker: str, topic_names: CustomerTopics) -> Job:
    return Job(tmp_path, broker, topic_names)


@on_each
def test_the_sandbox_accounts_for_every_event(
    job: Job, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JAVA_HOME", str(home))
    options = ("--trigger", "once", "--events", "300", "--bad-ratio", "0.1", "--metrics-port", "0")
    run = subprocess.run(
        [HOME / "spark-submit.sh", "--sandbox", *options, "--log-dir", job.directory / "logs"],
        env=job.environment | {"TMPDIR": str(job.directory)},
        cwd=job.directory,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert f"as JAVA_HOME says ({home}" in run.stderr
    assert re.search(r"^read +300$", run.stdout, re.MULTILINE)
    assert re.search(r"^unaccounted +0$", run.stdout, re.MULTILINE)
    assert list(job.directory.glob("telco-churn-sandbox-*")) == []


@on_each
def test_a_kill_and_a_stop_lose_nothing(
    job: Job, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JAVA_HOME", str(home))
    publish(job.broker, job.topics.raw, RECORDS)
    end_under_load(job, signal.SIGKILL, -signal.SIGKILL)
    end_under_load(job, signal.SIGTERM, 0)
    last = job.run("--trigger", "once")
    assert last.returncode == 0, last.stderr
    books = assert_all_accounted(job.broker, job.topics)
    assert books["read"] == RECORDS
    assert books["repeated"] <= BATCH


def end_under_load(job: Job, number: int, exit_code: int) -> None:
    """Ends the job by a signal to its group, after its first answers."""
    before = answers(job)
    with job.running(*OPTIONS) as process:
        wait_until(lambda: answers(job) > before, process)
        os.killpg(process.pid, number)
        assert process.wait(60) == exit_code, process.communicate()[0]


def answers(job: Job) -> int:
    return records_in(job.broker, job.topics.predictions, job.topics.dead_letters)


def test_outputs_are_the_same_bytes_on_each(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(JAVAS) > 1, "there is nothing to compare: install another Java"
    producer = Producer({"bootstrap.servers": job.broker})
    for value in islice(messages(20), ODD_RECORDS):
        producer.produce(job.topics.raw, value, partition=0)
        producer.poll(0)
    assert producer.flush(60) == 0
    for name, home in JAVAS.items():
        monkeypatch.setenv("JAVA_HOME", str(home))
        own = Job(job.directory / name, job.broker, job.topics)
        own.directory.mkdir()
        run = own.run("--trigger", "once")
        assert run.returncode == 0, run.stderr
    found = written(job)
    assert found.total() == len(JAVAS) * ODD_RECORDS
    assert {output.topic for output in found} == {job.topics.predictions, job.topics.dead_letters}
    # Each output as often as there are Javas: none has written another one.
    assert [output for output, times in found.items() if times != len(JAVAS)] == []


def written(job: Job) -> Counter[Output]:
    """How often there is each output, without what a clock has put into it."""
    found: Counter[Output] = Counter()
    for topic in (job.topics.predictions, job.topics.dead_letters):
        for message in read_topic(job.broker, topic):
            headers = headers_of(message)
            del headers[LATENCY]
            value = CLOCKS.sub(rb"\1\2", message.value() or b"")
            found[Output(topic, message.key(), value, tuple(headers.items()))] += 1
    return found
