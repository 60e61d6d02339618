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
from listening import open_to_others
from load import meanwhile

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
    elsewhere = ("JAVA_HOME", "SPARK_LOCAL_IP")
    opened = dict[tuple[str, int], str]()
    with (
        subprocess.Popen(
            [str(submit), str(HOME / "jobs" / "churn_stream.py"), *options],
            # As in a terminal where .venv is activated: its `java`, made ready, serves Spark too.
            env={
                **{k: v for k, v in job.environment.items() if k not in elsewhere},
                "PATH": f"{Path(sys.executable).parent}{os.pathsep}{job.environment['PATH']}",
                "PYSPARK_PYTHON": sys.executable,
            },
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process,
        meanwhile(lambda: opened.update(open_to_others(process.pid)), 0.5),
    ):
        try:
            output, complaints = process.communicate(timeout=240)
        finally:
            process.kill()
    assert process.returncode == 0, complaints[-3000:]
    assert sum(1 for _ in read_topic(broker, topic_names.predictions)) == 40
    told = [line for line in output.splitlines() if "Spark's own lines go to" in line]
    assert len(told) == 1, output
    assert f"SPARK_CONF_DIR={HOME / 'conf'}" in told[0]
    # None of the job's own is between them.
    assert " INFO " in complaints
    assert "batch 0: 40 read" in output
    assert "batch 0: 40 read" not in complaints
    assert not any("Traceback" in line for line in complaints.splitlines())
    # Nobody has told the JVM an address, and its page would be on all of them.
    assert opened == {}
    assert "Spark's page is off: without SPARK_LOCAL_IP=127.0.0.1" in output
