"""A refusal that no restart mends ends the job at once, in a line with topic and reason."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from job import Job, user_lines
from load import publish

from sandbox.kafka.topics import CustomerTopics, create_topics, delete_topics

pytestmark = pytest.mark.slow


def test_an_event_without_a_key_for_a_compacted_topic(
    tmp_path: Path, broker: str, topic_names: CustomerTopics
) -> None:
    compacted = f"{topic_names.predictions}.compacted"
    create_topics(broker, {compacted: 1}, {"cleanup.policy": "compact"})
    job = Job(tmp_path, broker, dataclasses.replace(topic_names, predictions=compacted))
    publish(broker, job.topics.raw, 5)
    result = job.run("--trigger", "once")
    delete_topics(broker, [compacted])
    assert result.returncode == 5
    line = user_lines(result)[-1]
    assert "the query failed: InvalidRecordException: " in line
    assert f"{compacted} is compacted and takes no record without a key" in line
    assert "set the topic's cleanup.policy to delete" in line
    log = (tmp_path / "logs" / "kafka_consumer.log").read_text("utf-8")
    assert f"topic {compacted} is compacted: Kafka refuses an answer" in log
    assert "restart 1 of" not in log
