"""What `throughput.py` compares: programs that read one topic to its end and write two."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from launcher.cache.connector import connector_jars
from launcher.child import Child
from launcher.java import chosen_java
from launcher.spark import SPARK_HOME
from sandbox.kafka.topics import CustomerTopics

HOME = Path(__file__).resolve().parents[1]
TIME_LIMIT_SECONDS = 200.0
MASTER = "local[2]"


@dataclass(frozen=True)
class Contestant:
    """One program.

    Attributes:
        name: what the table calls it.
        command: how it starts; options for the broker, the topics and the like follow.
        is_spark: it takes the job's options, and keeps a checkpoint.
        is_scoring: it does what the job does, so it must come to the same outcomes.
    """

    name: str
    command: tuple[str, ...]
    is_spark: bool = True
    is_scoring: bool = True

    def run(self, broker: str, topics: CustomerTopics, directory: Path) -> float:
        """Seconds from the first batch to the last commit; its files go below `directory`.

        Raises:
            RuntimeError: it fails, or is not done in time.
        """
        directory.mkdir()
        command = [
            *self.command,
            *("--broker", broker, "--input-topic", topics.raw),
            *("--output-topic", topics.predictions, "--deadletter-topic", topics.dead_letters),
        ]
        checkpoint = directory / "checkpoint"
        if self.is_spark:
            command += ["--checkpoint", str(checkpoint), "--log-dir", str(directory / "logs")]
            command += ["--run-log-dir", "off"]
            command += ["--trigger", "once", "--metrics-port", "0"]
        child = Child(self.name, command, directory / "output.log", job_environment(directory))
        deadline = time.monotonic() + TIME_LIMIT_SECONDS
        try:
            while child.is_running and time.monotonic() < deadline:
                time.sleep(0.1)
        finally:
            exit_code = child.kill()
        if exit_code != 0:
            raise RuntimeError(f"{self.name} ended with {exit_code}: {child.last_lines()}")
        if self.is_spark:
            return _seconds_of_query(checkpoint)
        return float(json.loads(child.last_lines(1))["seconds"])


def contestants(weights: Path) -> list[Contestant]:
    """The job first; `weights` is the file that `write_weights` wrote."""
    variant = (*_submit(), str(HOME / "bench" / "variant_job.py"))
    loop = (sys.executable, str(HOME / "bench" / "loop_consumer.py"), "--weights", str(weights))
    own, default = ("--passthrough",), ("--passthrough", "--default-producer")
    return [
        the_job(),
        Contestant("the job, default producer", (*variant, "--default-producer")),
        Contestant("passthrough by Spark", (*variant, *own), is_scoring=False),
        Contestant("passthrough, default producer", (*variant, *default), is_scoring=False),
        Contestant("loop in Python, one process", loop, is_spark=False),
    ]


def the_job(*options: str) -> Contestant:
    """The job itself, with these options."""
    return Contestant("the job", (*_submit(), str(HOME / "jobs" / "churn_stream.py"), *options))


def _submit() -> tuple[str, ...]:
    return (
        str(SPARK_HOME / "bin" / "spark-submit"),
        *("--master", MASTER, "--jars", connector_jars(), "--conf", "spark.ui.enabled=false"),
    )


def _seconds_of_query(checkpoint: Path) -> float:
    """By the files that Spark writes before the first batch and after the last one."""
    planned = (checkpoint / "offsets" / "0").stat().st_mtime
    commits = [p.stat().st_mtime for p in (checkpoint / "commits").iterdir() if p.name.isdigit()]
    return max(commits) - planned


def job_environment(directory: Path) -> Mapping[str, str]:
    """The environment of a job that writes below `directory`."""
    return {
        **os.environ,
        "JAVA_HOME": str(chosen_java().home),
        "SPARK_HOME": str(SPARK_HOME),
        "SPARK_CONF_DIR": str(HOME / "conf"),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_DRIVER_PYTHON": sys.executable,
        "PYTHONPATH": str(HOME / "lib"),
        "CHURN_STREAM_LOG_DIR": str(directory / "logs"),
    }
