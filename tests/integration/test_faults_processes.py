"""One of the job's two processes dies: the other one follows, and says so."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from pathlib import Path

import pytest
from job import Job, wait_until
from load import publish
from scrape import health
from verifying import assert_all_accounted

from sandbox.kafka.topics import CustomerTopics
from sandbox.ports import LOOPBACK, free_port

pytestmark = pytest.mark.slow


@pytest.fixture
def job(tmp_path: Path, broker: str, topic_names: CustomerTopics) -> Job:
    publish(broker, topic_names.raw, 1_000)
    return Job(tmp_path, broker, topic_names)


@pytest.fixture
def port() -> int:
    return free_port()


def options(port: int) -> tuple[str, ...]:
    return ("--trigger", "1 second", "--metrics-port", str(port))


def python_of(job: Job) -> int:
    """The Python process below spark-submit's JVM."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
            is_python = (process / "exe").readlink().name.startswith("python")
        except OSError:
            continue
        if is_python and str(job.directory / "checkpoint").encode() in words:
            return int(process.name)
    raise AssertionError("the job's Python is not there")


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
    job.directory.joinpath("python").write_text(
        f'#!/bin/sh\n"{sys.executable}" "$@"\ncode=$?\n'
        f'case "$*" in *churn_stream.py*) echo $code >{job.directory}/code ;; esac\nexit $code\n'
    )
    job.directory.joinpath("python").chmod(0o755)
    environment = {**job.environment, "PYTHON": str(job.directory / "python")}
    with job.running(*options(port), environment=environment) as process:
        wait_until(lambda: health(f"http://{LOOPBACK}:{port}")[0] == 200, process)
        python = python_of(job)
        process.kill()
        process.wait(10)
        took = seconds_until_gone(python)
    sys.stdout.write(f"python ended {took:.1f} s after its JVM\n")
    assert took < 5
    assert (job.directory / "code").read_text() == "5\n"
    assert_nobody_listens(port)


def test_a_frozen_jvm_shows_in_health_and_the_jvm_ends_when_python_is_killed(
    job: Job, port: int
) -> None:
    url = f"http://{LOOPBACK}:{port}"
    with job.running(*options(port)) as process:
        wait_until(lambda: health(url)[0] == 200, process)
        process.send_signal(signal.SIGSTOP)
        wait_until(lambda: health(url)[0] == 503, process)
        start = time.monotonic()
        assert health(url)[1]["query_progress"] == "fail"
        assert time.monotonic() - start < 1
        process.send_signal(signal.SIGCONT)
        wait_until(lambda: health(url)[0] == 200, process)
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
