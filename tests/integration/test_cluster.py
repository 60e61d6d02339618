"""README's command for a cluster, on workers that do not share the driver's disk."""

from __future__ import annotations

import json
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster import JOB_OPTIONS, Cluster, blind_cluster
from job import Job, wait_until
from load import publish, publish_broken
from saved_models import SHIPPED, add_stage, copy_of
from scrape import Scrape, assert_shows_what_is_in_the_topics, is_ready, processed, scrape
from verifying import assert_all_accounted

from sandbox.kafka.topics import CustomerTopics
from sandbox.ports import LOOPBACK, free_port

pytestmark = [pytest.mark.slow, pytest.mark.needs("unshare")]

RECORDS, BROKEN = 60, 5


@pytest.fixture(scope="module")
def drivers_disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("driver")


@pytest.fixture(scope="module")
def cluster(drivers_disk: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with blind_cluster(Cluster(tmp_path_factory.mktemp("cluster"), [drivers_disk])) as cluster:
        yield cluster


@pytest.mark.parametrize("kind", ["compiled", "stages"])
def test_workers_need_nothing_of_the_drivers_disk(
    broker: str, topic_names: CustomerTopics, drivers_disk: Path, cluster: Cluster, kind: str
) -> None:
    job = Job(drivers_disk / kind, broker, topic_names)
    model = copy_of(SHIPPED, job.directory / "model")
    if kind == "stages":
        years = {"inputCol": "tenure", "outputCol": "_model_years", "splits": ["-Inf", 12.0, "Inf"]}
        add_stage(model, "feature.Bucketizer", handleInvalid="keep", **years)
    publish(broker, topic_names.raw, RECORDS)
    result = job.run(
        *("--trigger", "once", "--master", cluster.url, "--model-path", str(model)), *JOB_OPTIONS
    )
    assert result.returncode == 0, result.stderr
    assert assert_all_accounted(broker, topic_names)["predictions"] == RECORDS
    is_slow = (
        "is scored by its Spark ML stages"
        in (job.directory / "logs" / "kafka_consumer.log").read_text()
    )
    assert is_slow == (kind == "stages")


def test_a_cluster_shows_all_that_a_local_run_shows(
    broker: str, topic_names: CustomerTopics, drivers_disk: Path, cluster: Cluster
) -> None:
    directory = drivers_disk / "telemetry"
    directory.mkdir()
    job = Job(directory, broker, topic_names)
    publish(broker, topic_names.raw, RECORDS)
    publish_broken(broker, topic_names.raw, BROKEN, 200)
    shown = shown_by(job, RECORDS + BROKEN, "--master", cluster.url, *JOB_OPTIONS)
    assert_shows_what_is_in_the_topics(shown, job, RECORDS + BROKEN)
    lines = record_lines(job)
    assert Counter(lines) == {
        "message_processed": RECORDS,
        "validation_failure": BROKEN,
    }
    # On the same checkpoint, by the next driver.
    publish(broker, topic_names.raw, RECORDS)
    local = shown_by(job, RECORDS)
    assert series(shown) == series(local)
    assert len(record_lines(job)) == len(lines) + RECORDS
    books = assert_all_accounted(broker, topic_names)
    assert (books["read"], books["repeated"]) == (2 * RECORDS + BROKEN, 0)


def test_real_time_mode_shows_every_record_on_a_cluster_too(
    broker: str, topic_names: CustomerTopics, drivers_disk: Path, cluster: Cluster
) -> None:
    directory = drivers_disk / "realtime"
    directory.mkdir()
    job = Job(directory, broker, topic_names)
    publish(broker, topic_names.raw, RECORDS)
    options = ("--master", cluster.url, *JOB_OPTIONS)
    shown = shown_by(job, RECORDS, *options, trigger="realtime=5 seconds")
    assert_shows_what_is_in_the_topics(shown, job, RECORDS)


def shown_by(job: Job, records: int, *options: str, trigger: str = "1 second") -> Scrape:
    """What a stream shows once it has dealt with so many records."""
    port = free_port()
    url = f"http://{LOOPBACK}:{port}"

    with job.running("--trigger", trigger, "--metrics-port", str(port), *options) as process:
        wait_until(lambda: processed(scrape(url)) >= records and is_ready(url), process)
        shown = scrape(url)
        process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=60)[0]
        assert process.returncode == 0, said
    assert shown is not None
    return shown


def record_lines(job: Job) -> list[str]:
    """Kinds of the log's lines about single records."""
    path = job.directory / "logs" / "kafka_consumer.log"
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return [line["event_type"] for line in lines if "offset" in line]


def series(shown: Scrape) -> Counter[tuple[str, ...]]:
    """How many series there are of each name and set of labels."""
    return Counter((sample.name, *sorted(sample.labels)) for sample in shown.samples)
