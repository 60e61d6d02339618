"""Labels that come after the job's predictions, judged by the second query over its restarts."""

from __future__ import annotations

import os
import signal
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from job import Job, wait_until
from load import publish
from measuring import log_lines, measuring, send_labels
from scrape import is_ready, scrape

from sandbox.kafka.read_back import read_topic
from sandbox.kafka.topics import CustomerTopics, create_topics, delete_topics
from stream_telemetry.broker.offsets import BrokerOffsets
from stream_telemetry.broker.read import object_of

pytestmark = pytest.mark.slow

PREDICTIONS = 200
QUICK = ("--label-window", "30d", "--label-delay", "10m", "--drift-least-records", "10")


@pytest.fixture
def labels(broker: str) -> Iterator[str]:
    name = f"labels-{uuid.uuid4()}"
    create_topics(broker, {name: 3})
    yield name
    delete_topics(broker, [name])


def label_of(prediction: dict[str, Any], word: str, days: float = 1) -> dict[str, str]:
    true_at = datetime.fromisoformat(prediction["event_ts"]) + timedelta(days=days)
    return {
        "customerID": prediction["customerID"],
        "Churn": word,
        "observed_at": true_at.isoformat(),
    }


def test_each_prediction_is_judged_once_over_a_stop_and_a_kill(
    broker: str, topic_names: CustomerTopics, labels: str, tmp_path: Path
) -> None:
    job = Job(tmp_path, broker, topic_names)
    publish(broker, topic_names.raw, PREDICTIONS)
    scored = job.run("--trigger", "once", "--log-lines-per-second", "off")
    assert scored.returncode == 0, scored.stderr
    made = [object_of(message) for message in read_topic(broker, topic_names.predictions)]
    assert len(made) == PREDICTIONS
    words = ["Yes" if number % 3 else "No" for number in range(PREDICTIONS)]
    told = [label_of(*one) for one in zip(made, words, strict=True)]

    found: dict[str, int] = {}
    with measuring(job, labels, *QUICK) as first:
        # Once it is read, a prediction waits over the restarts.
        send_labels(job, labels, [*told[:80], told[0], b"{", {**told[1], "Churn": "maybe"}])
        first.wait_for(judged=80, repeated=1)
        found = first.fates()
        assert found == {"judged": 80, "repeated": 1, "missing": 0, "unmatched": 0}
        now = first.shown()
        assert now.total("kafka_messages_failed_total", error_type="unreadable_label") == 2
        assert now.total("stream_rule_violations_total", field="Churn") == 1
        assert now.total("stream_records_unaccounted") == 0
        assert now.total("model_window_labels", window="records") == 80
        assert {s.labels["topic"] for s in now.samples if s.name == "kafka_consumer_lag"} == {
            labels,
            topic_names.predictions,
        }
        assert_figures_are_those_of_the_labels(now, made[:80], words[:80])
        first.stop()
    refused = [line for line in log_lines(tmp_path) if line.get("event_type")]
    assert len(refused) == 2
    assert all({"topic", "partition", "offset"} <= line.keys() for line in refused)

    with measuring(job, labels, *QUICK) as second:
        late = [label_of(made[80], "Yes", days=31), label_of(made[81], "Yes", days=-1)]
        send_labels(job, labels, [*told[:10], *late, *told[82:150]])
        second.wait_for(judged=68, repeated=10)
        assert second.fates() == {"judged": 68, "repeated": 10, "missing": 0, "unmatched": 0}
        os.killpg(second.process.pid, signal.SIGKILL)

    send_labels(job, labels, told)
    with measuring(job, labels, *QUICK) as third:
        third.wait_for(judged=PREDICTIONS - 148, repeated=148)
        assert third.fates() == {
            **{"judged": PREDICTIONS - 148, "repeated": 148},
            **{"missing": 0, "unmatched": 0},
        }
        third.stop()
    assert_progress_is_committed(broker, topic_names.predictions)


def assert_figures_are_those_of_the_labels(
    now: Any, made: list[dict[str, Any]], words: list[str]
) -> None:
    errors = [
        (one["churn_probability"] - (word == "Yes")) ** 2
        for one, word in zip(made, words, strict=True)
    ]
    brier = now.total("model_brier_score", window="records")
    assert brier == pytest.approx(sum(errors) / len(errors), abs=1e-3)
    for decided in ("Yes", "No"):
        for word in ("Yes", "No"):
            pairs = zip(made, words, strict=True)
            counted = now.total("model_labelled_total", decided=decided.lower(), label=word.lower())
            assert counted == sum((one["prediction"], w) == (decided, word) for one, w in pairs)


def assert_progress_is_committed(broker: str, topic: str) -> None:
    offsets = BrokerOffsets(topic, "telco-churn-labels", {"bootstrap.servers": broker})
    try:
        assert sum(offsets.committed().values()) == PREDICTIONS
    finally:
        offsets.close()


def test_who_waits_too_long_is_told_and_no_topic_is_taken_for_another(
    broker: str, topic_names: CustomerTopics, labels: str, tmp_path: Path
) -> None:
    job = Job(tmp_path, broker, topic_names)
    quick = ("--label-window", "1s", "--label-delay", "1s")
    publish(broker, topic_names.raw, 20)
    assert job.run("--trigger", "once").returncode == 0
    unknown = {"customerID": "0000-AAAAA", "Churn": "Yes"}
    with measuring(job, labels, *quick) as running:
        # Batches that have something to read are what looks for those that wait no longer.
        def is_told() -> bool:
            send_labels(job, labels, [unknown])
            fates = running.fates() if scrape(running.url) else {}
            return fates.get("missing") == 20 and fates["unmatched"] > 0

        wait_until(is_told, running.process)
        running.stop()
    with measuring(job, labels, *quick, "--trigger", "once") as once:
        out, _ = once.process.communicate(timeout=240)
        assert once.process.returncode == 0, out
    # Offsets of the topic that is gone would pass over the beginning of the new one.
    delete_topics(broker, [labels])
    create_topics(broker, {labels: 3})
    with measuring(job, labels, *quick, "--trigger", "once") as other:
        out, _ = other.process.communicate(timeout=240)
    assert other.process.returncode == 6, out
    assert "has been deleted and made anew" in out


def test_a_topic_that_is_made_anew_while_it_runs_ends_it(
    broker: str, topic_names: CustomerTopics, labels: str, tmp_path: Path
) -> None:
    job = Job(tmp_path, broker, topic_names)
    unknown = {"customerID": "0000-AAAAA", "Churn": "Yes"}
    with measuring(job, labels, *QUICK) as running:
        send_labels(job, labels, [unknown])
        wait_until(lambda: is_ready(running.url), running.process)
        delete_topics(broker, [labels])
        create_topics(broker, {labels: 3})
        # It has grown beyond the old one before anybody asks.
        send_labels(job, labels, [unknown] * 20)
        out, _ = running.process.communicate(timeout=120)
    assert running.process.returncode == 6, out
    assert f"{labels} has been deleted and made anew" in out.splitlines()[-1]


def test_a_topic_that_is_not_there_is_one_line(
    broker: str, topic_names: CustomerTopics, tmp_path: Path
) -> None:
    job = Job(tmp_path, broker, topic_names)
    with measuring(job, "labels-nowhere") as refused:
        out, _ = refused.process.communicate(timeout=60)
    (line,) = out.splitlines()
    assert refused.process.returncode == 4
    assert line.startswith(f"measure_accuracy: topic labels-nowhere does not exist on {broker}")
