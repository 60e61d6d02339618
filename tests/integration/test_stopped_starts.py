"""A start that is stopped, or dies, before the query runs says so in one line."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from job import Job, python_of

from sandbox.kafka.topics import CustomerTopics

SAID = "nothing was read or written"
TIME_LIMIT_SECONDS = 60.0


@pytest.fixture
def job(tmp_path: Path, broker: str, topic_names: CustomerTopics) -> Job:
    return Job(tmp_path, broker, topic_names)


def program_of(process: subprocess.Popen[str]) -> bytes:
    try:
        return Path(f"/proc/{process.pid}/cmdline").read_bytes()
    except OSError:
        return b""


def is_watched(process: subprocess.Popen[str]) -> bool:
    environment = Path(f"/proc/{process.pid}/environ")
    return b"bin/spark-class" in program_of(process) or b"CHURN_STREAM_WATCHED_BY" in (
        environment.read_bytes()
    )


def is_jvm(process: subprocess.Popen[str]) -> bool:
    return b"org.apache.spark.deploy.SparkSubmit" in program_of(process)


def has_python(job: Job) -> Callable[[subprocess.Popen[str]], bool]:
    def found(process: subprocess.Popen[str]) -> bool:
        try:
            return python_of(job) != process.pid and is_jvm(process)
        except AssertionError:
            return False

    return found


def stopped(
    job: Job, number: int, moment: Callable[[subprocess.Popen[str]], bool], wait: float = 0.0
) -> tuple[int, list[str]]:
    """The exit code and all lines of a start that gets a signal at a moment, or a while later."""
    with job.running("--trigger", "once") as process:
        deadline = time.monotonic() + TIME_LIMIT_SECONDS
        while not moment(process):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.005)
        time.sleep(wait)
        # Ctrl-C in a terminal reaches every process.
        kill = os.killpg if number == signal.SIGINT else os.kill
        kill(process.pid, number)
        said = process.communicate(timeout=TIME_LIMIT_SECONDS)[0]
    return process.returncode, said.splitlines()


def assert_told(ended: tuple[int, list[str]], code: int) -> None:
    returncode, lines = ended
    assert returncode in (code, code - 128, 128 - code), lines
    # A shell of Spark's may complain of the other one's end.
    told = [line for line in lines if SAID in line]
    assert len(told) == 1, lines
    assert lines[-1] == told[0] or "spark-class" in lines[-1], lines
    assert "Traceback" not in "".join(lines), lines


def test_sigterm_in_the_shells_before_the_jvm(job: Job) -> None:
    assert_told(stopped(job, signal.SIGTERM, is_watched), 143)


def test_sigterm_in_the_jvm_before_its_python(job: Job) -> None:
    assert_told(stopped(job, signal.SIGTERM, is_jvm), 143)


@pytest.mark.parametrize(
    "number",
    [
        signal.SIGTERM,
        pytest.param(signal.SIGHUP, marks=pytest.mark.slow),
        pytest.param(signal.SIGINT, marks=pytest.mark.slow),
    ],
)
def test_a_signal_while_spark_starts(job: Job, number: int) -> None:
    assert_told(stopped(job, number, has_python(job), 1.5), 128 + number)


def test_a_kill_before_the_job_can_speak(job: Job) -> None:
    assert_told(stopped(job, signal.SIGKILL, is_jvm), 128 + signal.SIGKILL)
