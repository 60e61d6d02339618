"""What can happen to a topic under its name while the job reads it, and whether anybody notices."""

from __future__ import annotations

from pathlib import Path

import pytest
from job import Job, user_lines, wait_until
from load import publish, records_in
from verifying import verify

from sandbox.kafka.topics import CustomerTopics, create_topics, delete_topics

pytestmark = pytest.mark.slow


@pytest.fixture
def job(tmp_path: Path, broker: str, topic_names: CustomerTopics) -> Job:
    return Job(tmp_path, broker, topic_names)


def test_a_source_that_is_made_anew_under_the_running_job_ends_it(job: Job) -> None:
    outputs = (job.topics.predictions, job.topics.dead_letters)
    publish(job.broker, job.topics.raw, 45, partition=0)
    with job.running("--trigger", "1 second") as process:
        wait_until(lambda: records_in(job.broker, *outputs) == 45, process)
        wait_until(lambda: "lag 0" in log_of(job), process)
        delete_topics(job.broker, [job.topics.raw])
        create_topics(job.broker, {job.topics.raw: 3})
        publish(job.broker, job.topics.raw, 150, partition=0)
        assert process.wait(120) == 6
        line = process.communicate()[0].splitlines()[-1]
    assert f"{job.topics.raw} has been deleted and made anew (id " in line
    assert "45 records are lost or were passed over; start with another --checkpoint" in line
    # Of the new topic's 150 records the first 45 have answers only to those that were there before.
    books, verified = verify(job.broker, job.topics)
    assert verified.returncode == 1
    assert books["older topic"].split()[0] == "45"
    assert int(books["lost"].split()[0]) >= 45
    again = job.run("--trigger", "once")
    assert again.returncode == 6
    assert "has been deleted and made anew" in user_lines(again)[-1]


def log_of(job: Job) -> str:
    return (job.directory / "logs" / "kafka_consumer.log").read_text("utf-8")
