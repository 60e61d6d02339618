"""A cluster that has no room for the job, or does not answer: told, not waited for for ever."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster import JOB_OPTIONS, Cluster
from job import Job, wait_until

from sandbox.kafka.topics import CustomerTopics
from sandbox.ports import LOOPBACK, free_port

pytestmark = pytest.mark.slow
LIMIT = "70"
"""Seconds that an executor is waited for; Spark itself starts in that time, too."""


@pytest.fixture
def master(tmp_path: Path) -> Iterator[str]:
    """A real cluster without a worker."""
    cluster = Cluster(tmp_path / "cluster")
    cluster.directory.mkdir()
    try:
        cluster.start_master()
        yield cluster.url
    finally:
        cluster.stop()


@pytest.fixture
def job(tmp_path: Path, broker: str, topic_names: CustomerTopics) -> Job:
    return Job(tmp_path, broker, topic_names)


def test_a_cluster_without_an_executor_is_told_and_ends_the_job(job: Job, master: str) -> None:
    # By default Spark gives its reason after 15 s; on a busy machine that may be too late.
    soon = ("--conf", "spark.starvation.timeout=1s")
    run = job.run("--master", master, "--trigger", "once", "--start-timeout", LIMIT, *soon)
    assert run.returncode == 5, run.stdout + run.stderr
    said = (run.stdout + run.stderr).splitlines()
    (waiting,) = [line for line in said if f"the job ends after {LIMIT} s" in line]
    assert f"{master} has given the job no executor in 10 s" in waiting
    last = said[-1]
    assert f"{master} has given the job no executor in {LIMIT} s" in last
    # A very busy machine may not have come so far.
    reason, log = "has not accepted any resources", job.directory / "logs" / "spark.log"
    assert reason in last or reason not in log.read_text("utf-8")
    assert "Traceback" not in "".join(said)


def test_a_stop_while_an_executor_is_waited_for(job: Job, master: str) -> None:
    log = job.directory / "artifacts" / "logs"
    with job.running("--master", master, "--trigger", "once") as process:
        wait_until(lambda: any("no executor" in f.read_text() for f in log.glob("*")), process)
        os.kill(process.pid, signal.SIGTERM)
        said = process.communicate(timeout=60)[0]
    assert process.returncode == 143, said
    assert "stopped by SIGTERM before the query ran" in said.splitlines()[-1]
    assert "Traceback" not in said


def test_a_master_that_does_not_answer_is_the_last_line(job: Job) -> None:
    nobody = f"spark://{LOOPBACK}:{free_port()}"
    run = job.run("--master", nobody, "--trigger", "once", *JOB_OPTIONS)
    said = (run.stdout + run.stderr).splitlines()
    # It may come: a restart can help, unlike where settings are wrong.
    assert run.returncode == 5, said
    assert f"{nobody} does not run the job: All masters are unresponsive" in said[-1]
    assert "whether this machine reaches it" in said[-1]
    (waiting,) = [
        line for line in said if f"{nobody} has given the job no executor in 10 s" in line
    ]
    assert "Failed to connect to master" in waiting
    assert "Traceback" not in "".join(said)
