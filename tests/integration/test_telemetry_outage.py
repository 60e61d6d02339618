from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from confluent_kafka import Producer
from job import HOME, wait_until
from scrape import health, is_ready, scrape

from launcher.cache.connector import connector_jars
from launcher.java import chosen_java
from sandbox.kafka.broker import KafkaBroker
from sandbox.kafka.topics import create_topics
from sandbox.ports import LOOPBACK, free_port

GROUPS = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand"
STALL_SECONDS = 8.0
QUERY = Path(__file__).with_name("sleepy_query.py")


@contextmanager
def sleepy_query(
    broker: KafkaBroker, directory: Path, port: int
) -> Iterator[subprocess.Popen[str]]:
    arguments = [broker.bootstrap_servers, "sleepy", str(directory / "checkpoint"), str(port)]
    # Signs of idleness come every ten seconds, unless told.
    options = "--conf spark.sql.streaming.noDataProgressEventInterval=1000 --master local[2]"
    with subprocess.Popen(
        [sys.executable, str(QUERY), *arguments, str(STALL_SECONDS)],
        env=os.environ
        | {
            "PYTHONPATH": str(HOME / "lib"),
            "JAVA_HOME": str(chosen_java().home),
            "PYSPARK_SUBMIT_ARGS": f"--jars {connector_jars()} {options} pyspark-shell",
            "SPARK_LOCAL_IP": LOOPBACK,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def publish(broker: KafkaBroker, *values: str) -> None:
    producer = Producer({"bootstrap.servers": broker.bootstrap_servers})
    for value in values:
        producer.produce("sleepy", value)
    assert producer.flush(30) == 0


def lag_by_kafkas_tool(broker: KafkaBroker) -> int:
    described = broker.run_tool(
        GROUPS,
        *("--bootstrap-server", broker.bootstrap_servers),
        *("--describe", "--group", "sleepy"),
    )
    rows = [line.split() for line in described.splitlines() if line.startswith("sleepy")]
    return sum(int(row[5]) for row in rows)


@pytest.mark.slow
def test_health_tells_idle_from_hung_from_a_broker_that_is_away(tmp_path: Path) -> None:
    port = free_port()
    url = f"http://{LOOPBACK}:{port}"

    def lag() -> float:
        found = scrape(url)
        return -1 if found is None else found.total("kafka_consumer_lag")

    with KafkaBroker(tmp_path / "kafka") as broker:
        create_topics(broker.bootstrap_servers, {"sleepy": 2})
        publish(broker, *map(str, range(20)))
        with sleepy_query(broker, tmp_path, port) as process:
            wait_until(lambda: is_ready(url) and lag() == 0, process)
            time.sleep(STALL_SECONDS + 2)
            assert is_ready(url), "idle is no illness"

            broker.pause()
            start = time.monotonic()
            wait_until(lambda: health(url)[1].get("broker_connection") == "fail", process)
            assert time.monotonic() - start < 30
            assert health(url)[0] == 503
            broker.resume()
            wait_until(lambda: is_ready(url), process)

            publish(broker, "sleep", *["x"] * 100)
            time.sleep(3)
            publish(broker, *["x"] * 4900)
            start = time.monotonic()
            wait_until(lambda: lag() == 5001, process)
            assert time.monotonic() - start < 10
            assert lag_by_kafkas_tool(broker) == 5001
            wait_until(lambda: health(url)[0] == 503, process)
            status, checks = health(url)
            assert (status, checks["query_progress"]) == (503, "fail")
            assert checks["broker_connection"] == "pass"
