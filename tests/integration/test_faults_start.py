"""What must not start is refused before Spark is: one line, an exit code, nothing written."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from job import HOME, Job

from sandbox.kafka.topics import CustomerTopics, create_topics, delete_topics
from telco_churn.query.checkpoint import remember_source
from telco_churn.settings.resolve import read_settings

HOLD = """
import sys, time
from telco_churn.query.checkpoint import locked
from telco_churn.query.settings import CheckpointSettings
with locked(CheckpointSettings(checkpoint=sys.argv[1])):
    sys.stdout.write("held")
    sys.stdout.flush()
    time.sleep(600)
"""
ENVIRONMENT = os.environ | {"PYTHONPATH": str(HOME / "lib")}


@pytest.fixture
def job(tmp_path: Path, broker: str, topic_names: CustomerTopics) -> Job:
    return Job(tmp_path, broker, topic_names)


@pytest.fixture
def checkpoint(job: Job) -> Path:
    """As Spark leaves one after two batches."""
    directory = job.directory / "checkpoint"
    for log in ("offsets", "commits"):
        (directory / log).mkdir(parents=True)
    (directory / "metadata").write_text('{"id":"34775913-9164-42c2-9511-d68a1dbe4f52"}')
    for batch in (0, 1):
        offsets = f'{{"{job.topics.raw}":{{"0":{batch + 1},"1":0,"2":0}}}}'
        (directory / "offsets" / str(batch)).write_text(f'v1\n{{"conf":{{}}}}\n{offsets}')
        (directory / "commits" / str(batch)).write_text('v1\n{"nextBatchWatermarkMs":0}')
    return directory


def remember(job: Job) -> None:
    _, *arguments = job.command("--trigger", "once")
    settings = read_settings(arguments, {})
    remember_source(settings.kafka, settings.topics, settings.checkpoint)


def assert_refused(job: Job, exit_code: int, said: str, *options: str) -> None:
    result = job.run_without_jvm("--trigger", "once", *options)
    assert result.returncode == exit_code, result.stderr
    (line,) = result.stderr.splitlines()
    assert re.search(said, line), line


def test_a_second_driver_on_a_checkpoint_until_the_first_one_is_gone(
    job: Job, checkpoint: Path
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(checkpoint)], env=ENVIRONMENT, stdout=subprocess.PIPE
    ) as other:
        try:
            assert other.stdout
            assert other.stdout.read(4) == b"held"
            assert_refused(job, 2, f"checkpoint .* is in use by process {other.pid};")
        finally:
            other.kill()
        other.wait(10)
    result = job.run_without_jvm("--trigger", "once")
    assert "in use" not in result.stderr, "the kernel must have let go of it"


def test_a_source_topic_that_was_made_anew(job: Job, checkpoint: Path) -> None:
    # A checkpoint from before this was watched is taken at its word.
    remember(job)
    result = job.run_without_jvm("--trigger", "once")
    assert "made anew" not in result.stderr
    delete_topics(job.broker, [job.topics.raw])
    create_topics(job.broker, {job.topics.raw: 3})
    assert_refused(job, 6, "has been deleted and made anew.*start with another --checkpoint")


def test_the_checkpoint_of_another_topic(job: Job, checkpoint: Path) -> None:
    remember(job)
    create_topics(job.broker, {f"{job.topics.raw}.b": 1})
    said = f"is of topic {job.topics.raw}, not of {job.topics.raw}.b; set another"
    assert_refused(job, 2, said, "--input-topic", f"{job.topics.raw}.b")
    delete_topics(job.broker, [f"{job.topics.raw}.b"])


@pytest.mark.parametrize("batches", [0, 2])
def test_the_source_is_written_down_only_when_the_checkpoint_does_not_say(
    job: Job, checkpoint: Path, batches: int
) -> None:
    if not batches:
        for file in (checkpoint / "offsets").iterdir():
            file.unlink()
    remember(job)
    before = (checkpoint / "source.json").read_text()
    delete_topics(job.broker, [job.topics.raw])
    create_topics(job.broker, {job.topics.raw: 3})
    remember(job)
    assert ((checkpoint / "source.json").read_text() == before) == bool(batches)


@pytest.mark.parametrize(
    ("damaged", "content", "said"),
    [
        ("offsets/1", b"", "offsets/1 is empty or unreadable; delete .*offsets/1 and .*commits/1"),
        ("offsets/1", b"v1\n{", "offsets/1 is empty or unreadable"),
        ("commits/1", b"\0" * 29, "commits/1 is empty or unreadable; delete .*commits/1"),
        ("metadata", b"", r'metadata is missing.*--starting-offsets .*"0": 2, "1": 0, "2": 0'),
    ],
)
def test_a_damaged_checkpoint(
    job: Job, checkpoint: Path, damaged: str, content: bytes, said: str
) -> None:
    (checkpoint / damaged).write_bytes(content)
    assert_refused(job, 2, f"checkpoint .* is damaged: .*{said}")


def test_a_checkpoint_without_its_metadata(job: Job, checkpoint: Path) -> None:
    (checkpoint / "metadata").unlink()
    assert_refused(job, 2, "the file metadata is missing")


def test_an_output_topic_that_is_too_narrow(job: Job) -> None:
    narrow = f"{job.topics.raw}.narrow"
    create_topics(job.broker, {narrow: 1}, {"max.message.bytes": "100000"})
    said = f"topic {narrow} takes messages of 100000 bytes at most.*max.message.bytes=1048588"
    assert_refused(job, 4, said, "--deadletter-topic", narrow)
    delete_topics(job.broker, [narrow])
