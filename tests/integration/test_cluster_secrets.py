"""Executors get into Kafka by files of their own, at the paths that --kafka-config names."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster import JOB_OPTIONS, Cluster, blind_cluster
from job import Job
from load import publish
from secured_broker import PASSWORD, SecuredBroker, secured_broker
from verifying import assert_all_accounted

from sandbox.kafka.topics import CustomerTopics

pytestmark = [pytest.mark.slow, pytest.mark.needs("unshare")]

RECORDS = 60
TOPICS = CustomerTopics("raw", "predictions", "dead")


@pytest.fixture
def secured(tmp_path: Path) -> Iterator[SecuredBroker]:
    (tmp_path / "secrets").mkdir()
    with secured_broker(tmp_path / "secrets") as broker:
        TOPICS.create(broker.broker.bootstrap_servers)
        yield broker


def test_executors_read_their_own_files_and_a_missing_one_is_named(
    tmp_path: Path, secured: SecuredBroker
) -> None:
    config = secured.file("client", **secured.login("SCRAM-SHA-512"))
    own = tmp_path / "of-workers"
    own.mkdir()
    job = Job(tmp_path / "driver", secured.servers("scram"), TOPICS)
    job.directory.mkdir(exist_ok=True)
    publish(secured.broker.bootstrap_servers, TOPICS.raw, RECORDS)
    hidden = (job.directory, secured.directory)
    cluster = Cluster(tmp_path / "cluster", hidden, {own: secured.directory})
    options = ("--trigger", "once", "--kafka-config", str(config), "--max-restarts", "1")
    with blind_cluster(cluster):
        without = job.run(*options, "--master", cluster.url, *JOB_OPTIONS)
        said = without.stdout + without.stderr
        assert without.returncode == 5, said
        assert str(config) in said.splitlines()[-1]
        assert "Traceback" not in said
        for path in (config, secured.authority.pem):
            shutil.copy(path, own)
        within = job.run(*options, "--master", cluster.url, *JOB_OPTIONS)
        assert within.returncode == 0, within.stdout + within.stderr
        assert PASSWORD not in said + within.stdout + within.stderr
        outputs = [file for file in cluster.directory.rglob("std*") if file.is_file()]
        assert outputs
        assert not [file for file in outputs if PASSWORD.encode() in file.read_bytes()]
    books = assert_all_accounted(secured.broker.bootstrap_servers, TOPICS)
    assert books["predictions"] == RECORDS
