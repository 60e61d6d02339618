"""What dies on a cluster in the middle of a batch: nothing is lost, each record counts once."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cluster import HOSTS, JOB_OPTIONS, Cluster, blind_cluster, executors_of
from job import TIME_LIMIT_SECONDS, Job, wait_until
from load import publish, publish_broken, records_in
from scrape import Scrape, processed, scrape
from verifying import assert_all_accounted

from sandbox.kafka.topics import CustomerTopics
from sandbox.ports import LOOPBACK, free_port

pytestmark = [pytest.mark.slow, pytest.mark.needs("unshare")]

RECORDS = 15_000
"""Enough for a batch of some seconds."""
BIG = 40


@pytest.fixture(scope="module")
def drivers_disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("driver")


@pytest.fixture(scope="module")
def kept_cluster(drivers_disk: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with blind_cluster(Cluster(tmp_path_factory.mktemp("cluster"), [drivers_disk])) as cluster:
        yield cluster


@pytest.fixture
def cluster(kept_cluster: Cluster) -> Cluster:
    """With all its workers, whatever the test before has done to them."""
    kept_cluster.start_blind_workers()
    return kept_cluster


@pytest.fixture
def job(drivers_disk: Path, broker: str, topic_names: CustomerTopics) -> Job:
    directory = drivers_disk / topic_names.raw
    directory.mkdir()
    return Job(directory, broker, topic_names)


@pytest.mark.parametrize("victim", ["worker", "executor"])
def test_what_is_killed_in_a_batch_is_replaced(job: Job, cluster: Cluster, victim: str) -> None:
    worker = cluster.workers[HOSTS[0]]
    with in_a_batch(job, cluster) as (process, url):
        if victim == "worker":
            # Its executor is in the same group of processes.
            worker.kill()
        else:
            # As the kernel, or a platform, does where memory is short.
            (executor,) = executors_of(worker)
            os.kill(executor, signal.SIGKILL)
        wait_until(lambda: processed(scrape(url)) >= RECORDS, process)
        if victim == "executor":
            wait_until(lambda: executors_of(worker) not in ([], [executor]), process)
        shown = scrape(url)
    books = assert_counted_once(job, shown)
    assert books["repeated"] > 0, "it had written nothing"
    spark_log = (job.directory / "logs" / "spark.log").read_text("utf-8")
    assert re.search(rf"Lost executor \d on {HOSTS[0]}", spark_log)


def test_of_a_task_that_runs_twice_records_come_twice_and_count_once(
    job: Job, cluster: Cluster
) -> None:
    settings = ("=true", ".interval=200ms", ".multiplier=1.1", ".quantile=0.3")
    words = [word for s in settings for word in ("--conf", f"spark.speculation{s}")]
    with in_a_batch(job, cluster, *words) as (process, url):
        # One that has begun to write, and is so slow that Spark tries its tasks elsewhere.
        (slow,) = executors_of(cluster.workers[HOSTS[0]])
        os.kill(slow, signal.SIGSTOP)
        wait_until(lambda: processed(scrape(url)) >= RECORDS, process)
        os.kill(slow, signal.SIGCONT)
        publish(job.broker, job.topics.raw, 100)
        wait_until(lambda: processed(scrape(url)) >= RECORDS + 100, process)
        shown = scrape(url)
    books = assert_counted_once(job, shown, RECORDS + 100)
    assert books["repeated"] > 0
    log = (job.directory / "logs" / "kafka_consumer.log").read_text("utf-8")
    assert log.count("spark.speculation is on: of a task that runs twice both copies write") == 1


def test_executors_that_run_out_of_memory_end_the_job_and_larger_ones_finish(
    job: Job, cluster: Cluster
) -> None:
    publish_broken(job.broker, job.topics.raw, BIG, 900_000)
    publish(job.broker, job.topics.raw, 100)
    small = "-XX:MaxHeapSize=72m -XX:+UseSerialGC -XX:+ExitOnOutOfMemoryError"
    # Spark refuses so small a heap by itself.
    allowed = ("spark.testing.memory=536870912", "spark.network.maxRemoteBlockSizeFetchToMem=16m")
    limits = ("--max-restarts", "0", "--start-timeout", "120")
    options = ("--trigger", "once", *limits, "--master", cluster.url, *JOB_OPTIONS)
    run = job.run(
        *options,
        *("--conf", f"spark.executor.extraJavaOptions={small}"),
        *(word for setting in allowed for word in ("--conf", setting)),
        # Four tries, and a new executor before each.
        time_limit=2 * TIME_LIMIT_SECONDS,
    )
    assert run.returncode == 5, run.stdout + run.stderr
    last = (run.stdout + run.stderr).splitlines()[-1]
    sys.stdout.write(f"{last}\n")
    assert "Command exited with code 3" in last
    assert "Traceback" not in run.stdout + run.stderr
    again = job.run(*options)
    assert again.returncode == 0, again.stdout + again.stderr
    books = assert_all_accounted(job.broker, job.topics)
    sys.stdout.write(f"{books}\n")
    assert books["read"] == BIG + 100


@contextmanager
def in_a_batch(
    job: Job, cluster: Cluster, *options: str
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A stream whose first batch has written some of its records; it must end well."""
    publish(job.broker, job.topics.raw, RECORDS)
    port = free_port()
    url = f"http://{LOOPBACK}:{port}"
    words = ("--trigger", "1 second", "--metrics-port", str(port), "--log-level", "WARNING")
    outputs = (job.topics.predictions, job.topics.dead_letters)
    with job.running(*words, "--master", cluster.url, *JOB_OPTIONS, *options) as process:
        wait_until(lambda: records_in(job.broker, *outputs) > RECORDS / 10, process)
        assert processed(scrape(url)) == 0, "the batch is over"
        yield process, url
        process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=60)[0]
        assert process.returncode == 0, said


def assert_counted_once(job: Job, shown: Scrape | None, records: int = RECORDS) -> dict[str, int]:
    """The verifier's books, once it is sure that the metrics have every record once."""
    assert shown is not None
    books = assert_all_accounted(job.broker, job.topics)
    sys.stdout.write(f"{books}\n")
    assert books["read"] == records
    assert processed(shown) == records
    assert shown.total("stream_records_unaccounted") == 0
    assert shown.total("kafka_processing_latency_seconds_count", operation="total") == records
    return books
