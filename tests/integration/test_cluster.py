"""README's command for a cluster, on workers that do not share the driver's disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster import blind_cluster
from job import Job
from load import publish
from saved_models import SHIPPED, add_stage, copy_of
from verifying import assert_all_accounted

from sandbox.kafka.topics import CustomerTopics

RECORDS = 60


@pytest.fixture(scope="module")
def drivers_disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("driver")


@pytest.fixture(scope="module")
def master(drivers_disk: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with blind_cluster(tmp_path_factory.mktemp("cluster"), drivers_disk) as url:
        yield url


@pytest.mark.slow
@pytest.mark.needs("unshare")
@pytest.mark.parametrize("kind", ["compiled", "stages"])
def test_workers_need_nothing_of_the_drivers_disk(
    broker: str, topic_names: CustomerTopics, drivers_disk: Path, master: str, kind: str
) -> None:
    job = Job(drivers_disk / kind, broker, topic_names)
    model = copy_of(SHIPPED, job.directory / "model")
    if kind == "stages":
        years = {"inputCol": "tenure", "outputCol": "_model_years", "splits": ["-Inf", 12.0, "Inf"]}
        add_stage(model, "feature.Bucketizer", handleInvalid="keep", **years)
    publish(broker, topic_names.raw, RECORDS)
    result = job.run(
        *("--trigger", "once", "--master", master, "--model-path", str(model)),
        *("--conf", "spark.driver.host=127.0.0.1", "--conf", "spark.executor.memory=512m"),
    )
    assert result.returncode == 0, result.stderr
    assert assert_all_accounted(broker, topic_names)["predictions"] == RECORDS
    is_slow = (
        "is scored by its Spark ML stages"
        in (job.directory / "logs" / "kafka_consumer.log").read_text()
    )
    assert is_slow == (kind == "stages")
