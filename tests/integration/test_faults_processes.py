"""One of the job's two processes dies: the other one follows, and says so."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sys
import time
from pathlib import Path

import pytest
from job import Job, python_of, wait_until
from load import publish, records_in
from scrape import health, is_ready, scrape
from verifying import assert_all_accounted

from sandbox.kafka.topics import CustomerTopics
from sandbox.ports import LOOPBACK, free_port

pytestmark = pytest.mark.slow
SLEEP_SECONDS = 135.0
"""Spark gives an executor up after 120 s."""


@pytest.fixture
def job(tmp_path: Path, broker: str, topic_names: CustomerTopics) -> Job:
    publish(broker, topic_names.raw, 1_000)
    return Job(tmp_path, broker, topic_names)


@pytest.fixture
def port() -> int:
    return free_port()


def options(port: int) -> tuple[str, ...]:
    return ("--trigger", "1 second", "--metrics-port", str(port))


def seconds_until_gone(pid: int) -> float:
    start = time.monotonic()
    while Path(f"/proc/{pid}/cmdline").exists() and time.monotonic() - start < 60:
        if Path(f"/proc/{pid}/cmdline").read_bytes() == b"":
            break
        time.sleep(0.05)
    return time.monotonic() - start


def assert_nobody_listens(port: int) -> None:
    with socket.socket() as connection:
        assert connection.connect_ex((LOOPBACK, port)) != 0


def test_python_ends_when_its_jvm_is_killed(job: Job, port: int) -> None:
    wrapper = job.directory / "python"
    wrapper.write_text(
        f'#!/bin/sh\n"{sys.executable}" "$@"\ncode=$?\n'
        f'case "$*" in *churn_stream.py*) echo $code >{job.directory}/code ;; esac\nexit $code\n'
    )
    wrapper.chmod(0o755)
    wrapped = ("--conf", f"spark.pyspark.driver.python={wrapper}")
    with job.running(*wrapped, *options(port)) as process:
        wait_until(lambda: is_ready(f"http://{LOOPBACK}:{port}"), process)
        python = python_of(job)
        process.kill()
        process.wait(10)
        took = seconds_until_gone(python)
    sys.stdout.write(f"python ended {took:.1f} s after its JVM\n")
    assert took < 5
    # The shell above it writes a moment later.
    code, deadline = job.directory / "code", time.monotonic() + 10
    while not (code.exists() and code.read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert code.read_text() == "5\n"
    assert_nobody_listens(port)


def test_a_jvm_that_is_killed_is_told_in_one_line(job: Job, port: int) -> None:
    with job.running(*options(port)) as process:
        wait_until(lambda: is_ready(f"http://{LOOPBACK}:{port}"), process)
        process.kill()
        said = process.communicate(timeout=30)[0]
    assert process.returncode == -signal.SIGKILL
    assert "Spark's JVM does not answer any more" in last_line(said)
    assert "goes on from its checkpoint" in last_line(said)
    assert "Traceback" not in said


def test_a_jvm_that_is_killed_during_the_start_is_told_too(job: Job, port: int) -> None:
    with job.running(*options(port)) as process:
        wait_until(lambda: scrape(f"http://{LOOPBACK}:{port}") is not None, process)
        process.kill()
        said = process.communicate(timeout=60)[0]
    assert "goes on from its checkpoint" in last_line(said)
    assert "Traceback" not in said


def test_a_jvm_that_exits_by_itself_is_told_in_one_line(job: Job, port: int) -> None:
    now = job.directory / "exit"
    # As Spark does when it is out of memory: from the inside, with a code of its own.
    job.directory.joinpath("sitecustomize.py").write_text(
        f"""
import os, sys, threading, time

def leave():
    while not os.path.exists({str(now)!r}):
        time.sleep(0.1)
    sys.modules["pyspark"].SparkContext._jvm.java.lang.System.exit(52)

if "PYSPARK_GATEWAY_PORT" in os.environ:
    threading.Thread(target=leave, daemon=True).start()
"""
    )
    environment = {**job.environment, "PYTHONPATH": str(job.directory)}
    with job.running(*options(port), environment=environment) as process:
        wait_until(lambda: is_ready(f"http://{LOOPBACK}:{port}"), process)
        now.touch()
        said = process.communicate(timeout=60)[0]
    assert process.returncode == 52
    assert "goes on from its checkpoint" in last_line(said)
    assert "Traceback" not in said
    assert_nobody_listens(port)


def test_a_machine_that_sleeps_for_longer_than_sparks_patience_goes_on(job: Job, port: int) -> None:
    url = f"http://{LOOPBACK}:{port}"
    # So Spark would end the JVM seconds after waking, not minutes.
    hasty = ("spark.executor.heartbeatInterval=1s", "spark.executor.heartbeat.maxFailures=5")
    confs = [word for conf in hasty for word in ("--conf", conf)]
    with job.running(*confs, *options(port)) as process:
        wait_until(lambda: is_ready(url), process)
        os.killpg(process.pid, signal.SIGSTOP)
        time.sleep(SLEEP_SECONDS)
        os.killpg(process.pid, signal.SIGCONT)
        publish(job.broker, job.topics.raw, 1_000)
        wait_until(lambda: is_ready(url), process)
        time.sleep(30)
        publish(job.broker, job.topics.raw, 1_000)
        topics = (job.topics.predictions, job.topics.dead_letters)
        wait_until(lambda: records_in(job.broker, *topics) >= 3_000, process)
        os.killpg(process.pid, signal.SIGTERM)
        assert process.wait(60) == 0, process.communicate()[0]
    books = assert_all_accounted(job.broker, job.topics)
    assert (books["read"], books["repeated"]) == (3_000, 0)


def test_sparks_own_directory_that_is_cleared_away_costs_one_restart(job: Job, port: int) -> None:
    local = job.directory / "local"
    topics = (job.topics.predictions, job.topics.dead_letters)
    with job.running("--conf", f"spark.local.dir={local}", *options(port)) as process:
        wait_until(lambda: records_in(job.broker, *topics) >= 1_000, process)
        # As systemd does in /tmp with what nobody has used for ten days.
        shutil.rmtree(local)
        publish(job.broker, job.topics.raw, 1_000)
        wait_until(lambda: records_in(job.broker, *topics) >= 2_000, process)
        os.killpg(process.pid, signal.SIGTERM)
        said = process.communicate(timeout=60)[0]
    assert process.returncode == 0, said
    assert said.count("was removed; it is made again") == 1
    assert said.count(" restart ") == 1
    books = assert_all_accounted(job.broker, job.topics)
    assert (books["read"], books["repeated"]) == (2_000, 0)


def test_without_a_port_for_sparks_page_the_job_goes_on_with_one_line(job: Job) -> None:
    with socket.create_server((LOOPBACK, 0)) as other:
        taken = other.getsockname()[1]
        page = (f"spark.ui.port={taken}", "spark.port.maxRetries=0")
        confs = [word for conf in page for word in ("--conf", conf)]
        run = job.run(*confs, "--trigger", "once")
    assert run.returncode == 0, run.stdout + run.stderr
    lines = [line for line in (run.stdout + run.stderr).splitlines() if "Spark's page" in line]
    (line,) = lines
    assert f"{taken} to {taken} are taken" in line
    assert_all_accounted(job.broker, job.topics)


def last_line(said: str) -> str:
    return said.strip().splitlines()[-1]


def test_a_frozen_jvm_shows_in_health_and_the_jvm_ends_when_python_is_killed(
    job: Job, port: int
) -> None:
    url = f"http://{LOOPBACK}:{port}"
    with job.running(*options(port)) as process:
        wait_until(lambda: is_ready(url), process)
        process.send_signal(signal.SIGSTOP)
        wait_until(lambda: health(url)[0] == 503, process)
        start = time.monotonic()
        assert health(url)[1]["query_progress"] == "fail"
        assert time.monotonic() - start < 1
        process.send_signal(signal.SIGCONT)
        wait_until(lambda: is_ready(url), process)
        start = time.monotonic()
        os.kill(python_of(job), signal.SIGKILL)
        code = process.wait(60)
        took = time.monotonic() - start
    sys.stdout.write(f"the JVM ended {took:.1f} s after Python\n")
    assert code not in (0, None)
    assert took < 10
    assert_nobody_listens(port)
    assert job.run("--trigger", "once").returncode == 0
    assert_all_accounted(job.broker, job.topics)
