"""A cluster that has no room for the job: told after a while, and not waited for for ever."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from job import Job, wait_until

from launcher.child import Child
from launcher.java import chosen_java
from launcher.spark import SPARK_HOME
from sandbox.kafka.topics import CustomerTopics
from sandbox.ports import LOOPBACK, free_port, port_is_free

pytestmark = pytest.mark.slow


@pytest.fixture
def master(tmp_path: Path) -> Iterator[str]:
    """A real cluster without a worker."""
    port = free_port()
    words = ("--host", LOOPBACK, "--port", str(port), "--webui-port", "0")
    child = Child(
        "Spark's master",
        [
            *(str(chosen_java().program), "-XX:TieredStopAtLevel=1", "-Xmx256m"),
            *("-cp", f"{SPARK_HOME}/jars/*", "org.apache.spark.deploy.master.Master", *words),
        ],
        tmp_path / "master.log",
    )
    try:
        deadline = time.monotonic() + 90
        while port_is_free(port):
            assert child.is_running, child.complaint()
            assert time.monotonic() < deadline, child.last_lines()
            time.sleep(0.1)
        yield f"spark://{LOOPBACK}:{port}"
    finally:
        child.kill()


@pytest.fixture
def job(tmp_path: Path, broker: str, topic_names: CustomerTopics) -> Job:
    return Job(tmp_path, broker, topic_names)


def test_a_cluster_without_an_executor_is_told_and_ends_the_job(job: Job, master: str) -> None:
    run = job.run("--master", master, "--trigger", "once", "--start-timeout", "45")
    assert run.returncode == 5, run.stdout + run.stderr
    said = (run.stdout + run.stderr).splitlines()
    (waiting,) = [line for line in said if "the job ends after 45 s" in line]
    assert f"{master} has given the job no executor in 10 s" in waiting
    last = said[-1]
    assert f"{master} has given the job no executor in 45 s (Spark: " in last
    assert "has not accepted any resources" in last
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
