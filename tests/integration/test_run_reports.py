"""What a Pushgateway is told of a scheduled run, whatever ends it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from binaries import pushgateway
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient
from job import Job
from load import publish

from sandbox.kafka.topics import CustomerTopics
from sandbox.ports import LOOPBACK, free_port

pytestmark = pytest.mark.needs("prometheus-pushgateway")

LATENCY = "kafka_processing_latency_seconds"
SUCCESS = "stream_run_last_success_timestamp_seconds"
LABELS = {"job": "churn", "instance": "nightly", "environment": "prod"}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with pushgateway(tmp_path_factory.mktemp("pushgateway")) as url:
        yield url


def options(gateway: str, *more: str) -> tuple[str, ...]:
    return (
        *("--trigger", "once", "--consumer-group", "nightly", "--pushgateway", gateway),
        *("--pushgateway-labels", "environment=prod", "--expected-interval", "1d", *more),
    )


def groups(gateway: str) -> dict[str, dict[str, Any]]:
    """What the gateway holds, by the label that the guide's figures have."""
    with urlopen(f"{gateway}/api/v1/metrics", timeout=5) as answer:
        return {group["labels"].get("run", ""): group for group in json.load(answer)["data"]}


def told(gateway: str) -> dict[str, float]:
    """The run's own figures."""
    group = groups(gateway)[""]
    assert group["labels"] == LABELS
    families: dict[str, Any] = {k: v for k, v in group.items() if k.startswith("stream_")}
    return {name: float(family["metrics"][0]["value"]) for name, family in families.items()}


def assert_failed(gateway: str, code: int, before: float) -> None:
    values = told(gateway)
    assert values["stream_run_exit_code"] == code
    assert values["stream_run_succeeded"] == 0
    assert values["stream_run_started_timestamp_seconds"] >= before
    assert values["stream_run_end_timestamp_seconds"] >= before


@pytest.fixture
def without_broker(tmp_path: Path) -> Job:
    return Job(tmp_path, f"{LOOPBACK}:{free_port()}", CustomerTopics())


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (("--max-restarts", "many"), 2),
        (("--no-such-option", "1"), 2),
        ((), 4),
    ],
    ids=["a setting", "an option that is none", "no broker"],
)
def test_a_run_that_never_begins_is_told(
    gateway: str, without_broker: Job, wrong: tuple[str, ...], code: int
) -> None:
    before = time.time()
    done = without_broker.run_without_jvm(*options(gateway, *wrong))
    assert done.returncode == code, done.stderr
    assert_failed(gateway, code, before)
    assert told(gateway)["stream_run_expected_interval_seconds"] == 86_400


def test_the_script_tells_a_mistake_that_it_finds_itself(gateway: str, without_broker: Job) -> None:
    before = time.time()
    done = without_broker.run(*options(gateway, "--max-restarts", "many"))
    assert done.returncode == 2, done.stderr
    assert_failed(gateway, 2, before)


@pytest.fixture
def without_topics(tmp_path: Path, broker: str) -> Job:
    """One that is refused at once, by a broker that answers."""
    return Job(tmp_path, broker, CustomerTopics("not.there", "not.there.either", "nor.there"))


def test_a_dry_run_is_no_run(without_topics: Job, tmp_path: Path) -> None:
    with pushgateway(tmp_path) as url:
        without_topics.run_without_jvm(*options(url, "--dry-run"))
        without_topics.run_without_jvm(*options(url, "--dry-run", "--max-restarts", "many"))
        with urlopen(f"{url}/api/v1/metrics", timeout=5) as answer:
            assert json.load(answer)["data"] == []


def test_a_gateway_that_is_away_changes_no_exit_code(without_topics: Job) -> None:
    nowhere = f"http://{LOOPBACK}:{free_port()}"
    assert without_topics.run_without_jvm(*options(nowhere)).returncode == 4


@pytest.mark.slow
def test_a_success_is_remembered_over_a_run_without_its_model(
    tmp_path: Path, gateway: str, broker: str, topic_names: CustomerTopics
) -> None:
    job = Job(tmp_path, broker, topic_names)
    publish(broker, topic_names.raw, 40)
    done = job.run(*options(gateway))
    assert done.returncode == 0, done.stderr
    well = told(gateway)
    guides = groups(gateway)["once"]
    assert guides["labels"] == LABELS | {"run": "once"}
    processed = guides["kafka_messages_processed_total"]["metrics"]
    assert sum(float(one["value"]) for one in processed) == 40
    assert guides["kafka_messages_failed_total"]["metrics"]
    latency = {one["labels"]["operation"]: one for one in guides[LATENCY]["metrics"]}
    assert latency["total"]["count"] == "40"
    assert (well["stream_run_exit_code"], well["stream_run_succeeded"]) == (0, 1)
    assert well[SUCCESS] == well["stream_run_end_timestamp_seconds"]

    before = time.time()
    done = job.run(*options(gateway, "--model-path", str(tmp_path / "no-model")))
    assert done.returncode == 3, done.stderr
    assert_failed(gateway, 3, before)
    assert told(gateway)[SUCCESS] == well[SUCCESS]


@pytest.mark.slow
def test_a_run_tells_what_kafka_has_deleted_before_it_came(
    tmp_path: Path, gateway: str, broker: str, topic_names: CustomerTopics
) -> None:
    job = Job(tmp_path, broker, topic_names)
    publish(broker, topic_names.raw, 40, partition=0)
    assert job.run(*options(gateway)).returncode == 0
    assert told(gateway)["stream_run_records_lost"] == 0

    publish(broker, topic_names.raw, 30, partition=0)
    admin = AdminClient({"bootstrap.servers": broker})
    for deleted in admin.delete_records([TopicPartition(topic_names.raw, 0, 60)]).values():
        deleted.result(30)
    job.run(*options(gateway, "--on-data-loss", "continue"))
    assert told(gateway)["stream_run_records_lost"] == 20
