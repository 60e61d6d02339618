"""What the sandbox tells of its topics, by topics that were filled by hand."""

from __future__ import annotations

import json
import time

import pytest
from confluent_kafka import Producer

from sandbox.errors import SandboxError
from sandbox.kafka.topics import CustomerTopics
from sandbox.results.preview import Preview
from sandbox.results.summary import summarise


def test_the_summary_finds_what_is_missing_and_what_came_twice(
    broker: str, topic_names: CustomerTopics
) -> None:
    producer = Producer({"bootstrap.servers": broker})
    for _ in range(4):
        producer.produce(topic_names.raw, b"{}", partition=0)
    scored = json.dumps({"customerID": "0001-AAAAA", "processed_ts": "2100-01-01T00:00:00.000Z"})
    for offset in ("0", "1", "1"):
        source = {"source_topic": topic_names.raw, "source_partition": "0", "source_offset": offset}
        headers = {**source, "latency_ms": "2.5", "source_timestamp": "0"}
        producer.produce(topic_names.predictions, scored, headers=list(headers.items()))
    rules = [{"field": "tenure", "code": "out_of_range"}, {"field": None, "code": "trailing_data"}]
    letter = {"error_type": "validation_error", "error_message": "why", "validation_errors": rules}
    source["source_offset"] = "2"
    producer.produce(topic_names.dead_letters, json.dumps(letter), headers=list(source.items()))
    assert producer.flush(20) == 0

    summary = summarise(broker, topic_names)
    assert (summary.read, summary.predictions, summary.dead_letters) == (4, 3, 1)
    assert (summary.unaccounted, summary.repeated, summary.is_balanced) == (1, 1, False)
    assert summary.reasons == {"validation_error": 1}
    assert summary.violations == {"tenure: out_of_range": 1, "message: trailing_data": 1}
    assert "unaccounted          1" in str(summary)

    preview = Preview(broker, topic_names)
    lines: list[str] = []
    deadline = time.monotonic() + 10
    while len(lines) < 4 and time.monotonic() < deadline:
        lines.extend(preview.new_lines())
    assert len(lines) == 4
    preview.close()
    assert any(line.startswith("dead letter  validation_error: why") for line in lines)


def test_an_answer_to_nothing_is_an_error(broker: str, topic_names: CustomerTopics) -> None:
    producer = Producer({"bootstrap.servers": broker})
    producer.produce(topic_names.predictions, b"{}")
    assert producer.flush(20) == 0
    with pytest.raises(SandboxError, match="does not say which event it answers") as failure:
        summarise(broker, topic_names)
    assert failure.value.exit_code == 5
