"""A shadow in the real job: what is written is as without it, and the comparison adds up."""

from __future__ import annotations

import json
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from confluent_kafka import Producer
from job import Job, wait_until
from saved_models import SHIPPED, copy_of
from scrape import Scrape, processed, scrape
from shadows import without_latency, without_times
from verifying import assert_all_accounted

from churn_tools.producer.source import synthetic_events, to_records
from sandbox.kafka.read_back import answered, read_topic
from sandbox.kafka.topics import CustomerTopics, create_topics, delete_topics
from sandbox.ports import free_port
from stream_telemetry.broker.read import RecordAddress, object_of
from telco_churn.model.manifest import MANIFEST_NAME, read_manifest

EVENTS, THRESHOLD = 2_000, 0.7
AGREED = {"no": False, "yes": True}


@pytest.fixture
def shadow(tmp_path: Path) -> Path:
    """The shipped model, but for its version and a threshold that it reaches less often."""
    path = copy_of(SHIPPED, tmp_path / "shadow")
    manifest = json.loads((path / MANIFEST_NAME).read_text())
    changed = {**manifest, "version": "candidate", "threshold": THRESHOLD}
    (path / MANIFEST_NAME).write_text(json.dumps(changed))
    return path


def publish(broker: str, topic: str) -> None:
    producer = Producer({"bootstrap.servers": broker, "linger.ms": 5})
    for record in to_records(synthetic_events(EVENTS, seed=31), 0.1, seed=31):
        producer.produce(topic, record.value, record.key)
    assert producer.flush(60) == 0


def written(broker: str, *topics: str) -> dict[RecordAddress, tuple[Any, ...]]:
    """Each answer by the record that it answers, byte for byte but for what a clock has said."""
    found = {}
    for number, topic in enumerate(topics):
        for message in read_topic(broker, topic):
            value, headers = message.value() or b"", message.headers()
            assert isinstance(headers, list)
            answer = without_times(value.decode()), without_latency(headers)
            found[answered(message)] = (number, message.key(), *answer)
    return found


def shown_by(job: Job, *options: str) -> tuple[Scrape, dict[str, Any]]:
    """Metrics and summary of a job that has dealt with all events; it is stopped then."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    more = ("--metrics-port", str(port), "--trigger", "500 milliseconds")
    with job.running(*options, *more) as process:
        wait_until(lambda: processed(scrape(url)) >= EVENTS, process)
        found = scrape(url)
        with urlopen(f"{url}/api/summary", timeout=5) as answer:
            summary = json.load(answer)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0, process.communicate()[0]
    assert found
    return found, dict(summary["model"])


def assert_adds_up(found: Scrape, scores: list[float]) -> None:
    deciding = read_manifest(SHIPPED).threshold
    for decided, of_model in AGREED.items():
        for answer, of_shadow in AGREED.items():
            expected = sum((p >= deciding, p >= THRESHOLD) == (of_model, of_shadow) for p in scores)
            labels = {"decided": decided, "shadow": answer}
            assert found.total("model_shadow_records_total", **labels) == expected, labels
    assert found.total("model_shadow_records_total") == len(scores)
    assert found.total("model_shadow_labelled_total") == found.total("model_labelled_total") > 0
    mean = pytest.approx(sum(scores) / len(scores))
    assert found.total("model_shadow_mean_score", window="records") == mean
    assert found.total("model_shadow_mean_difference", window="records") == 0
    brier = found.total("model_brier_score", window="records")
    assert found.total("model_shadow_brier_score", window="records") == pytest.approx(brier)


@pytest.mark.slow
def test_a_shadow_changes_nothing_that_is_written_and_is_compared_to_it(
    broker: str, topic_names: CustomerTopics, tmp_path: Path, shadow: Path
) -> None:
    publish(broker, topic_names.raw)
    alone = replace(
        topic_names,
        predictions=f"{topic_names.predictions}.alone",
        dead_letters=f"{topic_names.dead_letters}.alone",
    )
    outputs = (alone.predictions, alone.dead_letters)
    create_topics(broker, dict.fromkeys(outputs, 3))
    try:
        (tmp_path / "alone").mkdir()
        result = Job(tmp_path / "alone", broker, alone).run("--trigger", "once")
        assert result.returncode == 0, result.stderr
        expected = written(broker, *outputs)
    finally:
        delete_topics(broker, list(outputs))
    job = Job(tmp_path, broker, topic_names)
    found, model = shown_by(job, "--shadow-model", str(shadow))
    assert written(broker, topic_names.predictions, topic_names.dead_letters) == expected
    assert assert_all_accounted(broker, topic_names)["repeated"] == 0
    predictions = map(object_of, read_topic(broker, topic_names.predictions))
    assert_adds_up(found, [p["churn_probability"] for p in predictions])
    assert found.total("model_shadow_info", version="candidate") == 1
    assert model["shadow"] == "candidate"
    tried = job.run("--shadow-model", str(shadow), "--dry-run")
    assert tried.returncode == 0, tried.stderr
    assert "shadow candidate is whole and scores too, for metrics only" in tried.stdout


def test_a_shadow_that_is_not_there_is_one_line_before_anything_is_asked(tmp_path: Path) -> None:
    job = Job(tmp_path, "127.0.0.1:1", CustomerTopics())
    result = job.run_without_jvm("--shadow-model", str(tmp_path / "none"))
    assert result.returncode == 3
    assert f"churn_stream: no model in {tmp_path / 'none'}: cannot read manifest.json" in (
        result.stderr
    )
