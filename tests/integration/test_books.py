"""A run over what there is ends with its books, and not with 0 if they do not balance."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient
from job import HOME, Job
from load import publish, records_in

from launcher.cache.connector import connector_jars
from launcher.java import chosen_java
from sandbox.kafka.topics import CustomerTopics
from sandbox.ports import LOOPBACK

LEAKY = Path(__file__).with_name("leaky_job.py")


def test_a_run_whose_plan_drops_records_does_not_end_with_0(
    tmp_path: Path, broker: str, topic_names: CustomerTopics
) -> None:
    publish(broker, topic_names.raw, 30, partition=0)
    job = Job(tmp_path, broker, topic_names)
    run = subprocess.run(
        [sys.executable, str(LEAKY), *job.command("--trigger", "once")[1:]],
        env=job.environment
        | {
            "PYTHONPATH": str(HOME / "lib"),
            "JAVA_HOME": str(chosen_java().home),
            "PYSPARK_SUBMIT_ARGS": f"--jars {connector_jars()} --master local[2] pyspark-shell",
            "SPARK_LOCAL_IP": LOOPBACK,
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert records_in(broker, topic_names.predictions) == 20, run.stderr
    assert run.returncode == 5, run.stderr
    books = "30 read, 20 good, 0 failed, 10 unaccounted for, 0 lost"
    assert f"the run's books do not balance: {books}" in run.stderr.splitlines()[-1]
    assert "Traceback" not in run.stderr


@pytest.mark.slow
def test_a_run_says_what_kafka_had_deleted_before_it(
    tmp_path: Path, broker: str, topic_names: CustomerTopics
) -> None:
    job = Job(tmp_path, broker, topic_names)
    publish(broker, topic_names.raw, 10, partition=0)
    assert job.run("--trigger", "once").returncode == 0
    publish(broker, topic_names.raw, 10, partition=0)
    place = TopicPartition(topic_names.raw, 0, 17)
    admin = AdminClient({"bootstrap.servers": broker})
    for answered in admin.delete_records([place]).values():
        answered.result(30)
    run = job.run("--trigger", "once", "--on-data-loss", "continue")
    assert run.returncode == 0, run.stderr
    books = "3 read, 3 good, 0 failed, 0 unaccounted for, 7 lost"
    assert f"the run is over: {books}" in run.stdout + run.stderr
