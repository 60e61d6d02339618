"""What must not start is refused before Spark is: one line, an exit code, nothing written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from job import Job

from sandbox.kafka.topics import CustomerTopics, create_topics, delete_topics


@pytest.fixture
def job(tmp_path: Path, broker: str, topic_names: CustomerTopics) -> Job:
    return Job(tmp_path, broker, topic_names)


def assert_refused(job: Job, exit_code: int, said: str, *options: str) -> None:
    result = job.run_without_jvm("--trigger", "once", *options)
    assert result.returncode == exit_code, result.stderr
    (line,) = result.stderr.splitlines()
    assert re.search(said, line), line


def test_an_output_topic_that_is_too_narrow(job: Job) -> None:
    narrow = f"{job.topics.raw}.narrow"
    create_topics(job.broker, {narrow: 1}, {"max.message.bytes": "100000"})
    said = f"topic {narrow} takes messages of 100000 bytes at most.*max.message.bytes=1048588"
    assert_refused(job, 4, said, "--deadletter-topic", narrow)
    delete_topics(job.broker, [narrow])
