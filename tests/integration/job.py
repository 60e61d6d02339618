"""Starts the job as a user does: a process, by its own script."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from launcher.cache.class_archive import VARIABLE, Mode
from sandbox.kafka.topics import CustomerTopics

HOME = Path(__file__).resolve().parents[2]
TIME_LIMIT_SECONDS = 240.0


@dataclass(frozen=True)
class Job:
    """One way to start the job; what it writes goes below `directory`, and it lies in `home`."""

    directory: Path
    broker: str
    topics: CustomerTopics
    home: Path = HOME

    @property
    def environment(self) -> dict[str, str]:
        kept = {
            k: v for k, v in os.environ.items() if not k.startswith(("CHURN_STREAM_", "KAFKA_"))
        }
        # Half the work until the first batch, at the price of a top speed that no test needs.
        return kept | {
            "PYTHON": sys.executable,
            "SPARK_SUBMIT_OPTS": "-XX:TieredStopAtLevel=1",
            VARIABLE: os.environ.get(VARIABLE, Mode.USE),
        }

    def command(self, *options: str) -> list[str]:
        defaults = {
            "--broker": self.broker,
            "--input-topic": self.topics.raw,
            "--output-topic": self.topics.predictions,
            "--deadletter-topic": self.topics.dead_letters,
            "--checkpoint": str(self.directory / "checkpoint"),
            "--log-dir": str(self.directory / "logs"),
            "--run-log-dir": str(self.directory / "artifacts" / "logs"),
            "--metrics-port": "0",
        }
        given = {option for option in options if option.startswith("--")}
        missing = [word for pair in defaults.items() if pair[0] not in given for word in pair]
        return [str(self.home / "spark-submit.sh"), *missing, *options]

    def run(
        self, *options: str, time_limit: float = TIME_LIMIT_SECONDS
    ) -> subprocess.CompletedProcess[str]:
        """Runs it to its end."""
        return subprocess.run(
            self.command(*options),
            env=self.environment,
            cwd=self.directory,
            capture_output=True,
            text=True,
            timeout=time_limit,
        )

    def run_without_jvm(self, *options: str) -> subprocess.CompletedProcess[str]:
        """Runs its Python program alone, for what must be refused before Spark starts."""
        _, *arguments = self.command(*options)
        return subprocess.run(
            [sys.executable, str(HOME / "jobs" / "churn_stream.py"), *arguments],
            env=self.environment | {"PYTHONPATH": str(HOME / "lib"), "JAVA_HOME": "/nowhere"},
            cwd=self.directory,
            capture_output=True,
            text=True,
            timeout=60,
        )

    @contextmanager
    def running(
        self,
        *options: str,
        environment: Mapping[str, str] | None = None,
        terminal: int | None = None,
    ) -> Iterator[subprocess.Popen[str]]:
        """The running job, in a process group of its own; killed if it is still there after.

        With a terminal, a descriptor, it is in the foreground there, as a user's command is.
        """
        in_terminal = [] if terminal is None else ["setsid", "--ctty"]
        with subprocess.Popen(
            [*in_terminal, *self.command(*options)],
            env=environment or self.environment,
            cwd=self.directory,
            stdin=terminal,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=terminal is None,
        ) as process:
            try:
                yield process
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)


def user_lines(process: subprocess.CompletedProcess[str]) -> list[str]:
    """What it told its user, without the line about the Java that every start has."""
    return [
        line
        for line in process.stderr.splitlines()
        if not line.startswith("spark-submit.sh: Java ")
    ]


def wait_until(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Waits for a condition as long as the process lives, within the time limit."""
    deadline = time.monotonic() + TIME_LIMIT_SECONDS
    while not condition():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.3)


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
