"""The job where another Spark, Kubernetes, a bare user id and an odd path have left their marks."""

from __future__ import annotations

import shutil
import subprocess
from itertools import islice
from pathlib import Path

import pytest
from confluent_kafka import Producer
from job import HOME, Job, user_lines

from churn_tools.customers.broken import borderline_records
from sandbox.kafka.read_back import read_topic
from sandbox.kafka.topics import CustomerTopics

RECORDS = 20


@pytest.mark.needs("unshare")
def test_the_job_runs_all_the_same_and_names_what_it_passes_over(
    tmp_path: Path, broker: str, topic_names: CustomerTopics
) -> None:
    producer = Producer({"bootstrap.servers": broker})
    for record in islice(borderline_records(3), RECORDS):
        producer.produce(topic_names.raw, record.value, record.key)
    assert producer.flush(30) == 0
    another = tmp_path / "spark-3.5" / "python"
    (another / "pyspark").mkdir(parents=True)
    (another / "pyspark" / "__init__.py").write_text("raise RuntimeError('another Spark')\n")
    # The one reads as a URI, in which # and % mean something, the other as none.
    clone, directory = tmp_path / "ä#1-%41-it's", tmp_path / "an [odd] ä #1 %41"
    directory.mkdir()
    for name in ("conf", "jobs", "lib", "models"):
        shutil.copytree(HOME / name, clone / name)
    for name in ("spark-submit.sh", "setup.cfg"):
        shutil.copy2(HOME / name, clone)
    job = Job(directory, broker, topic_names, home=clone)
    result = subprocess.run(
        ["unshare", "--user", "--map-user=54321", *job.command("--trigger", "once")],
        env={
            **job.environment,
            "PYTHONPATH": str(another),
            "PYTHONHOME": "/nowhere",
            "SPARK_HOME": str(another.parent),
            "SPARK_REMOTE": "sc://nowhere",
            "SPARK_CONNECT_MODE_ENABLED": "1",
            "CHURN_STREAM_METRICS_PORT": "tcp://10.96.12.7:8000",
            "LC_ALL": "C",
        },
        cwd=job.directory,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert result.returncode == 0, result.stderr[-3000:]
    kubernetes, spark, connect = user_lines(result)
    assert "CHURN_STREAM_METRICS_PORT=tcp://10.96.12.7:8000 is passed over" in kubernetes
    assert f"another Spark is passed over ({another.parent}, {another}, " in spark
    assert "SPARK_CONNECT_MODE_ENABLED, SPARK_REMOTE passed over" in connect
    assert sum(1 for _ in read_topic(broker, topic_names.predictions)) == RECORDS
