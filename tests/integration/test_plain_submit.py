"""The job without its script: `spark-submit jobs/churn_stream.py`, as the README promises."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pyspark
from confluent_kafka import Producer
from job import HOME, Job

from churn_tools.customers.broken import borderline_records
from launcher.java import make_ready
from sandbox.kafka.read_back import read_topic
from sandbox.kafka.topics import CustomerTopics


def test_it_fetches_the_connector_and_scores(
    tmp_path: Path, broker: str, topic_names: CustomerTopics
) -> None:
    producer = Producer({"bootstrap.servers": broker})
    for record in islice(borderline_records(3), 40):
        producer.produce(topic_names.raw, record.value, record.key)
    assert producer.flush(30) == 0
    job = Job(tmp_path, broker, topic_names)
    script, *options = job.command("--trigger", "once")
    assert script.endswith("spark-submit.sh")
    submit = Path(pyspark.__file__).parent / "bin" / "spark-submit"
    make_ready()
    result = subprocess.run(
        [str(submit), str(HOME / "jobs" / "churn_stream.py"), *options],
        # As in a terminal where .venv is activated: its `java`, made ready, serves Spark too.
        env={
            **{k: v for k, v in job.environment.items() if k != "JAVA_HOME"},
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{job.environment['PATH']}",
            "PYSPARK_PYTHON": sys.executable,
            "SPARK_LOCAL_IP": "127.0.0.1",
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert result.returncode == 0, result.stderr[-3000:]
    assert sum(1 for _ in read_topic(broker, topic_names.predictions)) == 40
    told = [line for line in result.stdout.splitlines() if "Spark's own lines go to" in line]
    assert len(told) == 1, result.stdout
    assert f"SPARK_CONF_DIR={HOME / 'conf'}" in told[0]
    # None of the job's own is between them.
    assert " INFO " in result.stderr
    assert "batch 0: 40 read" in result.stdout
    assert "batch 0" not in result.stderr
    assert not any("Traceback" in line for line in result.stderr.splitlines())
