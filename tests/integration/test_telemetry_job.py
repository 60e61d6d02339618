from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote
from urllib.request import urlopen

import pytest
from binaries import binary, prometheus, pushgateway
from confluent_kafka import Producer
from job import HOME, Job, user_lines, wait_until
from scrape import Scrape, assert_shows_what_is_in_the_topics, health, is_ready, processed, scrape

from churn_tools.customers.synthetic import synthetic_customers
from launcher.cache.connector import connector_jars
from launcher.java import chosen_java
from sandbox.kafka.read_back import read_topic
from sandbox.kafka.topics import CustomerTopics, create_topics
from sandbox.ports import LOOPBACK, free_port


@pytest.fixture
def job(broker: str, topic_names: CustomerTopics, tmp_path: Path) -> Job:
    return Job(tmp_path, broker, topic_names)


def feed(job: Job, good: int, *bad: bytes) -> None:
    producer = Producer({"bootstrap.servers": job.broker})
    customers = synthetic_customers(1)
    for _ in range(good):
        producer.produce(job.topics.raw, json.dumps(next(customers)))
    for value in bad:
        producer.produce(job.topics.raw, value)
    assert producer.flush(30) == 0


def shown(url: str) -> Scrape:
    found = scrape(url)
    assert found is not None
    return found


def groups(gateway: str) -> list[dict[str, float]]:
    with urlopen(f"{gateway}/api/v1/metrics", timeout=5) as answer:
        return [
            {n: float(f["metrics"][0]["value"]) for n, f in g.items() if n.startswith("stream_")}
            for g in json.load(answer)["data"]
        ]


def ask(prometheus_url: str, expression: str) -> float:
    url = f"{prometheus_url}/api/v1/query?query={quote(expression)}"
    with urlopen(url, timeout=5) as answer:
        result = json.load(answer)["data"]["result"]
    return float(result[0]["value"][1]) if result else -1.0


@pytest.mark.needs("prometheus", "promtool", "prometheus-pushgateway")
def test_a_stream_shows_every_record_to_prometheus_and_to_the_gateway(
    job: Job, tmp_path: Path
) -> None:
    port = free_port()
    url = f"http://{LOOPBACK}:{port}"
    feed(job, 300, b"", b"not JSON", b'{"tenure": -1}')
    with (
        pushgateway(tmp_path) as gateway,
        job.running(
            *("--trigger", "1 second", "--metrics-port", str(port), "--pushgateway", gateway)
        ) as process,
    ):
        targets = (url.removeprefix("http://"), gateway.removeprefix("http://"))
        with prometheus(tmp_path, *targets) as prometheus_url:
            wait_until(lambda: processed(scrape(url)) == 303, process)
            before = shown(url)
            assert_shows_what_is_in_the_topics(before, job, 303)
            check = subprocess.run(
                [binary("promtool"), "check", "metrics"],
                input=before.text,
                capture_output=True,
                text=True,
            )
            assert (check.returncode, check.stderr) == (0, "")

            hostile = [b'{"x%d": "%d"}' % (number, number) for number in range(10_000)]
            feed(job, 0, *hostile)
            wait_until(lambda: processed(scrape(url)) == 10_303, process)
            assert len(shown(url).samples) == len(before.samples)
            with ThreadPoolExecutor(50) as pool:
                start = time.monotonic()
                answers = list(pool.map(lambda _: scrape(url), range(50)))
                elapsed = time.monotonic() - start
            assert None not in answers
            assert elapsed < 1.0

            wait_until(lambda: shown(url).total("kafka_consumer_lag") == 0, process)
            # Nothing comes any more: that is no illness.
            assert is_ready(url)
            (group,) = groups(gateway)
            assert group["stream_run_records_read"] == 10_303
            total = "sum(kafka_messages_processed_total)"
            wait_until(lambda: ask(prometheus_url, total) == 10_303, process)
        os.killpg(process.pid, signal.SIGTERM)
        assert process.wait(60) == 0, process.communicate()[0]
        assert groups(gateway) == []


@pytest.mark.needs("prometheus-pushgateway")
@pytest.mark.slow
def test_a_run_over_what_there_is_leaves_its_figures_with_the_gateway(
    job: Job, tmp_path: Path
) -> None:
    feed(job, 20, b"")
    with pushgateway(tmp_path) as gateway:
        for read in (21, 0):
            run = job.run("--trigger", "once", "--pushgateway", gateway)
            assert run.returncode == 0, run.stderr
            assert user_lines(run) == []
            # The guide's counters have a group of their own.
            (group,) = [g for g in groups(gateway) if "stream_run_records_read" in g]
            assert group["stream_run_records_read"] == read
            assert group["stream_run_records_failed"] == (1 if read else 0)
            assert group["stream_run_succeeded"] == 1


@pytest.mark.slow
def test_real_time_mode_shows_every_record_too(job: Job) -> None:
    port = free_port()
    url = f"http://{LOOPBACK}:{port}"
    with job.running("--trigger", "realtime=5 seconds", "--metrics-port", str(port)) as process:
        wait_until(lambda: is_ready(url), process)
        feed(job, 40, b"", b'{"tenure": -1}')
        wait_until(lambda: processed(scrape(url)) == 42, process)
        assert_shows_what_is_in_the_topics(shown(url), job, 42)


def test_a_taken_port_is_one_line_and_nothing_is_written(job: Job) -> None:
    feed(job, 1)
    with socket.create_server((LOOPBACK, 0)) as other:
        port = other.getsockname()[1]
        run = job.run("--trigger", "once", "--metrics-port", str(port))
    assert run.returncode == 2
    # spark-submit sends all that the driver says before it has a JVM to its standard output.
    (line,) = [*run.stdout.splitlines(), *user_lines(run)]
    assert f"127.0.0.1:{port}" in line
    assert "--metrics-port" in line
    assert list(read_topic(job.broker, job.topics.predictions)) == []


def test_another_job_has_telemetry_in_ten_lines(broker: str, tmp_path: Path) -> None:
    source, target, port = f"in-{tmp_path.name}", f"out-{tmp_path.name}", free_port()
    create_topics(broker, {source: 2, target: 1})
    producer = Producer({"bootstrap.servers": broker})
    for number in range(50):
        producer.produce(source, f"word {number}")
    assert producer.flush(20) == 0
    example = [sys.executable, str(HOME / "examples" / "upper_case.py")]
    url = f"http://{LOOPBACK}:{port}"
    with subprocess.Popen(
        [*example, broker, source, target, str(tmp_path / "checkpoint"), str(port)],
        env=os.environ
        | {
            "PYTHONPATH": str(HOME / "lib"),
            "JAVA_HOME": str(chosen_java().home),
            "PYSPARK_SUBMIT_ARGS": f"--jars {connector_jars()} --master local[2] pyspark-shell",
            "SPARK_LOCAL_IP": LOOPBACK,
            # As for the job, in job.py.
            "SPARK_SUBMIT_OPTS": "-XX:TieredStopAtLevel=1",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            wait_until(lambda: processed(scrape(url)) == 50, process)
            wait_until(lambda: is_ready(url), process)
            now = shown(url)
            assert now.total("kafka_processing_latency_seconds_count", operation="total") == 50
            assert now.total("stream_records_unaccounted") == 0
            assert "model" not in "".join(sample.name for sample in now.samples)
            assert health(url)[1].keys() == {"broker_connection", "telemetry", "query_progress"}
        finally:
            os.killpg(process.pid, signal.SIGKILL)
    assert {message.value() for message in read_topic(broker, target)} >= {b"WORD 7"}
