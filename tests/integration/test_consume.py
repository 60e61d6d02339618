"""The programs in docs/consume.md, on a topic that has copies in it."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from itertools import islice
from pathlib import Path

import pytest
from confluent_kafka import Producer
from job import HOME

from churn_tools.customers.synthetic import synthetic_customers
from launcher.cache.connector import connector_jars
from launcher.submit.surroundings import ready_this_process
from sandbox.kafka.topics import CustomerTopics

Publish = Callable[[Iterable[int], str], None]

EVENTS = 400
LIMIT_SECONDS = 60.0
CONFLUENT, BATCH, STREAM = re.findall(
    r"^```python\n(.+?)^```$", (HOME / "docs" / "consume.md").read_text("utf-8"), re.M | re.S
)
TELL_SPARKS_ROWS = """
import json
for place in ("predictions-of-today", "predictions"):
    rows = spark.read.parquet(place).collect()
    print(sorted(json.loads(row.value)["number"] for row in rows))
"""


@pytest.fixture
def publish(broker: str, topic_names: CustomerTopics) -> Publish:
    """Answers events as the job does; told apart by a moment that a copy has of its own."""
    producer = Producer({"bootstrap.servers": broker})
    customers = [str(customer["customerID"]) for customer in islice(synthetic_customers(3), EVENTS)]

    def answer(numbers: Iterable[int], moment: str) -> None:
        producer.produce(topic_names.predictions, b"another program's")
        for number in numbers:
            producer.produce(
                topic_names.predictions,
                json.dumps({"number": number, "processed_ts": moment}),
                customers[number],
                headers=[
                    ("source_offset", b"7"),  # which the event had brought along
                    ("source_topic", b"telco.raw.customers"),
                    ("source_partition", str(number % 2).encode()),
                    ("source_offset", str(number // 2).encode()),
                    ("source_timestamp", str(1_700_000_000_000 + number).encode()),
                    ("latency_ms", moment.encode()),
                ],
            )
        assert producer.flush(30) == 0

    return answer


def program(text: str, broker: str, topics: CustomerTopics) -> list[str]:
    for shown, real in (
        ("localhost:9092", broker),
        ("telco.churn.predictions", topics.predictions),
        ("who-calls-the-customers", topics.predictions),
        # How long Kafka waits for a consumer that was killed; 45 s if nobody says otherwise.
        ('"enable.auto.commit"', '"session.timeout.ms": 6000, "enable.auto.commit"'),
    ):
        text = text.replace(shown, real)
    return [sys.executable, "-c", text]


def numbers_in(database: Path) -> list[int]:
    """The events whose predictions have been committed."""
    if not database.exists():
        return []
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as store:
        rows = store.execute("SELECT value FROM prediction").fetchall()
    return [json.loads(value)["number"] for (value,) in rows]


def count_in(database: Path) -> int:
    with suppress(sqlite3.OperationalError):  # the table is being made
        return len(numbers_in(database))
    return 0


def test_a_consumer_that_is_killed_has_each_prediction_once(
    tmp_path: Path, broker: str, topic_names: CustomerTopics, publish: Publish
) -> None:
    command = program(CONFLUENT, broker, topic_names)
    database = tmp_path / "predictions.db"
    # Some could not be written at first, and come behind their followers, with copies of those.
    publish([*range(100), *range(120, 200)], "first")
    publish(range(80, 200), "retry")
    for count in (200, EVENTS):
        with subprocess.Popen(command, cwd=tmp_path) as process:
            deadline = time.monotonic() + LIMIT_SECONDS
            while count_in(database) < count and time.monotonic() < deadline:
                time.sleep(0.05)
            process.kill()
        assert sorted(numbers_in(database)) == list(range(count))
        publish(range(150, EVENTS), "restarted")


@pytest.mark.slow
def test_spark_has_each_prediction_once_over_a_restart(
    tmp_path: Path, broker: str, topic_names: CustomerTopics, publish: Publish
) -> None:
    ready_this_process()
    jvm = "--driver-memory 1g --driver-java-options -XX:TieredStopAtLevel=1"
    submit = f"--master local[2] --jars {connector_jars()} {jvm}"
    # The stream ends once it has read what there is.
    text = (BATCH + STREAM).replace("    .start()", "    .trigger(availableNow=True)\n    .start()")
    publish([*range(100), *range(120, 200)], "first")
    publish(range(80, 200), "retry")
    for count in (200, EVENTS):
        told = subprocess.run(
            program(text + TELL_SPARKS_ROWS, broker, topic_names),
            cwd=tmp_path,
            env={**os.environ, "PYSPARK_SUBMIT_ARGS": f"{submit} pyspark-shell"},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            timeout=240,
        )
        batch, stream = map(json.loads, told.stdout.splitlines())
        assert batch == stream == list(range(count))
        publish(range(150, EVENTS), "restarted")
