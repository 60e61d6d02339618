"""A model of one's own, by the commands of docs/models.md, and then in the real job."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest
from confluent_kafka import Producer
from job import HOME, Job

from churn_tools.customers.synthetic import synthetic_customers
from churn_tools.training.data import write_synthetic_csv
from sandbox.kafka.read_back import read_topic
from sandbox.kafka.topics import CustomerTopics
from stream_telemetry.broker.read import object_of
from telco_churn.model.manifest import read_manifest

PAGE = (HOME / "docs" / "models.md").read_text("utf-8")
COMMANDS = re.findall(r"^\$ (\.venv/bin/python jobs/.+)$", PAGE, re.MULTILINE)
(FIT,) = re.findall(r"^```python\n(.+?)^```$", PAGE, re.MULTILINE | re.DOTALL)
EVENTS = 300
SCORED_BY_SPARK = """
import json, pathlib, sys
from pyspark.ml import PipelineModel
from pyspark.sql import SparkSession
from churn_tools.training.data import read_customers
from telco_churn.paths import project_home
from telco_churn.record.kind import read_kind

spark = SparkSession.builder.master("local[1]").getOrCreate()
kind = read_kind(project_home() / "conf/contracts")
customers = read_customers(spark, pathlib.Path(sys.argv[2]), kind)
rows = PipelineModel.load(f"file://{sys.argv[1]}").transform(customers).collect()
print(json.dumps({row["customerID"]: row["_model_probability"][1] for row in rows}))
"""


def environment(directory: Path) -> dict[str, str]:
    """What the commands run in: the job's own directory is below that of the test."""
    return {
        **os.environ,
        "PYTHONPATH": str(HOME / "lib"),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "CHURN_STREAM_MODEL_PATH": str(directory / "models" / "churn"),
    }


def run(directory: Path, *command: str) -> str:
    told = subprocess.run(
        command, cwd=directory, env=environment(directory), capture_output=True, text=True
    )
    assert told.returncode == 0, told.stderr
    return told.stdout


def command_of_page(directory: Path, line: str, *more: str) -> str:
    python, job, *options = shlex.split(line)
    assert python == ".venv/bin/python"
    return run(directory, sys.executable, str(HOME / job), *options, *more)


def publish(broker: str, topic: str, seed: int) -> None:
    producer = Producer({"bootstrap.servers": broker, "linger.ms": 5})
    for customer in islice(synthetic_customers(seed), EVENTS):
        producer.produce(topic, json.dumps(customer))
    producer.produce(topic, "{}")
    assert producer.flush(60) == 0


@pytest.mark.slow
def test_boosted_trees_are_trained_and_score_in_the_job_as_in_spark(
    tmp_path: Path, broker: str, topic_names: CustomerTopics
) -> None:
    (train,) = (line for line in COMMANDS if "train_model.py" in line)
    told = command_of_page(tmp_path, train.replace("20000", "3000"))
    assert "model boosted: gradient-boosted trees, fitted to" in told
    model = tmp_path / "trained" / "boosted"
    publish(broker, topic_names.raw, seed=21)
    result = Job(tmp_path, broker, topic_names).run("--trigger", "once", "--model-path", str(model))
    assert result.returncode == 0, result.stderr
    assert "is scored by its Spark ML stages" not in result.stderr, "it was not compiled"
    customers = tmp_path / "customers.csv"
    write_synthetic_csv(customers, EVENTS, seed=21)
    pipeline = model / read_manifest(model).pipeline
    scored = run(tmp_path, sys.executable, "-c", SCORED_BY_SPARK, str(pipeline), str(customers))
    predictions = list(map(object_of, read_topic(broker, topic_names.predictions)))
    assert {p["customerID"]: p["churn_probability"] for p in predictions} == pytest.approx(
        json.loads(scored.splitlines()[-1]), abs=1e-12
    )
    assert {p["model_version"] for p in predictions} == {"boosted"}
    assert len(list(read_topic(broker, topic_names.dead_letters))) == 1


@pytest.mark.slow
def test_the_commands_of_the_page_adopt_a_model_put_it_to_use_and_go_back(
    tmp_path: Path, broker: str, topic_names: CustomerTopics
) -> None:
    write_synthetic_csv(tmp_path / "customers.csv", 2_000, seed=22)
    run(tmp_path, sys.executable, "-c", FIT)
    lines = {shlex.split(line)[2]: line for line in COMMANDS if "jobs/model.py" in line}
    assert list(lines) == ["adopt", "list", "use", "rollback", "describe"]
    (adopt,) = (line for line in COMMANDS if "adopt fitted/forest" in line)
    told = command_of_page(tmp_path, adopt)
    assert "model forest: random forest, (fitted elsewhere, adopted from fitted/forest" in told
    publish(broker, topic_names.raw, seed=23)
    again = adopt.replace("customers.csv", topic_names.raw).replace("n forest", "n by-topic")
    told = command_of_page(tmp_path, again, "--broker", broker)
    assert f"judged on events of the topic {topic_names.raw}" in told
    assert f"held out: {EVENTS} rows" in told
    assert "* " not in command_of_page(tmp_path, lines["list"]), "nothing is in use yet"
    in_use = tmp_path / "models" / "churn"
    assert command_of_page(tmp_path, lines["use"]).endswith("is now version forest\n")
    command_of_page(tmp_path, lines["use"].replace("forest", "by-topic"))
    assert read_manifest(in_use).version == "by-topic"
    assert command_of_page(tmp_path, lines["rollback"]).endswith("is now version forest\n")
    assert "*  forest    random forest" in command_of_page(tmp_path, lines["list"])
    command_of_page(tmp_path, lines["describe"])
    assert len(list((tmp_path / "cards" / "forest" / "plots").glob("*.svg"))) == 4
    result = Job(tmp_path, broker, topic_names).run(
        "--trigger", "once", "--model-path", str(in_use)
    )
    assert result.returncode == 0, result.stderr
    predictions = list(map(object_of, read_topic(broker, topic_names.predictions)))
    assert {p["model_version"] for p in predictions} == {"forest"}
    assert len(predictions) == EVENTS
