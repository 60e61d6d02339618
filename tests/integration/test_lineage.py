"""The recipe of docs/monitoring.md for OpenLineage's listener, on a run over what there is."""

from __future__ import annotations

import hashlib
import json
import re
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer
from job import HOME, Job

from churn_tools.customers.synthetic import synthetic_customers
from churn_tools.producer.source import to_records
from launcher.cache.jars import JarSet, downloaded
from sandbox.kafka.topics import CustomerTopics

PAGE = (HOME / "docs" / "monitoring.md").read_text("utf-8")
RECIPE = PAGE.split("\n## OpenLineage")[1].split("\n## ")[0]
(COORDINATES,) = re.findall(r"-Dartifact=(\S+)", RECIPE)
(SHA512,) = re.findall(r"\b[0-9a-f]{128}\b", RECIPE)
OPTIONS = re.findall(r"--conf (spark\.\S+)", RECIPE)


def listener(directory: Path) -> Path:
    """The jar, checked as the recipe has it."""
    jars = JarSet("OpenLineage's listener", "openlineage", (COORDINATES,), (), 43)
    name = "_".join(COORDINATES.split(":")[:2]) + "-" + COORDINATES.split(":")[2]
    with downloaded(jars, directory / "jars") as fresh:
        jar = (fresh / f"{name}.jar").rename(directory / "listener.jar")
    assert hashlib.sha512(jar.read_bytes()).hexdigest() == SHA512
    return jar


def read_events(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def assert_told(events: list[dict[str, Any]], broker: str, topic: str) -> None:
    """The run has begun and ended, and so has a batch, whose input is the topic."""
    by_job: dict[str, list[dict[str, Any]]] = {}
    for event in events:
        by_job.setdefault(event["job"]["name"], []).append(event)
    run, batch = by_job["churn_stream"], by_job["churn_stream.write_to_data_source_v2"]
    for told in (run, batch):
        assert (told[0]["eventType"], told[-1]["eventType"]) == ("START", "COMPLETE")
    inputs = {(one["namespace"], one["name"]) for event in batch for one in event["inputs"]}
    assert inputs == {(f"kafka://{broker}", topic)}
    # Should a later listener name them, the page has to say so.
    assert [event["outputs"] for event in batch if event["outputs"]] == []


@pytest.mark.slow
def test_the_listener_tells_that_the_input_topic_was_read(broker: str, tmp_path: Path) -> None:
    topics = CustomerTopics("lineage.raw", "lineage.predictions", "lineage.deadletter")
    topics.create(broker)
    producer = Producer({"bootstrap.servers": broker})
    for record in to_records(islice(synthetic_customers(1), 200), bad_ratio=0.02, seed=1):
        producer.produce(topics.raw, record.value, record.key)
    assert producer.flush(30) == 0
    job = Job(tmp_path, broker, topics)
    told = tmp_path / "lineage.json"
    mine = (option.replace("/var/tmp/lineage.json", str(told)) for option in OPTIONS)
    settings = [word for option in mine for word in ("--conf", option)]
    assert any(str(told) in word for word in settings)
    finished = job.run(
        *("--driver-class-path", str(listener(tmp_path))), *settings, "--trigger", "once"
    )
    topics.delete(broker)
    assert finished.returncode == 0, finished.stderr
    assert_told(read_events(told), broker, topics.raw)
