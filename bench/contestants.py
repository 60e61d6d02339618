"""What benchmarks compare: programs that read a topic of events and answer in two others."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from launcher.cache.class_archive import VARIABLE
from launcher.child import Child
from sandbox.kafka.topics import CustomerTopics

HOME = Path(__file__).resolve().parents[1]
SLOTS = 2
MASTER = f"local[{SLOTS}]"
PLAIN_PASSTHROUGH = "passthrough"
PASSTHROUGH = "passthrough, the job's Kafka options"
JOB = "the job"


@dataclass(frozen=True)
class Contestant:
    """One program.

    Attributes:
        name: what tables call it.
        command: how it starts; options for the broker, the topics and the like follow.
        is_spark: it takes the job's options, and keeps a checkpoint.
        is_scoring: it does what the job does, so it must come to the same outcomes.
        tells_begin: of the work; in real-time mode Spark writes a batch's plan at its end.
    """

    name: str
    command: tuple[str, ...]
    is_spark: bool = True
    is_scoring: bool = True
    tells_begin: bool = True

    def start(self, broker: str, topics: CustomerTopics, directory: Path) -> Child:
        """Starts it, or starts it again; its files go below `directory`, which is made."""
        directory.mkdir(exist_ok=True)
        command = [
            *self.command,
            *("--broker", broker, "--input-topic", topics.raw),
            *("--output-topic", topics.predictions, "--deadletter-topic", topics.dead_letters),
        ]
        if self.is_spark:
            command += ["--checkpoint", str(directory / "checkpoint")]
            command += ["--log-dir", str(directory / "logs"), "--run-log-dir", "off"]
            command += ["--metrics-port", "0"]
        return Child(self.name, command, directory / "output.log", job_environment(directory))

    def begun(self, directory: Path) -> float | None:
        """When it had planned its first batch, or has read it; None if it does not tell."""
        if not self.tells_begin:
            return None
        if self.is_spark:
            return (directory / "checkpoint" / "offsets" / "0").stat().st_mtime
        lines = (directory / "output.log").read_text("utf-8").splitlines()
        return min(float(json.loads(line)["begun"]) for line in lines)


def the_job(*options: str, slots: int = SLOTS, flags: Sequence[str] = ()) -> Contestant:
    """The job itself, with these options, and these flags for its JVM."""
    return Contestant(JOB, (str(HOME / "spark-submit.sh"), *_spark(slots, flags), *options))


def passthrough(
    *options: str, slots: int = SLOTS, is_plain: bool = False, flags: Sequence[str] = ()
) -> Contestant:
    """What Spark takes to copy key and value, with these options of the job; see `variant_job.py`.

    It runs as the job does: same Java, flags and class archive.
    """
    program = str(HOME / "bench" / "submit_variant.py")
    variant = (sys.executable, program, *_spark(slots, flags), "--")
    plain = ("--plain",) if is_plain else ()
    name = PLAIN_PASSTHROUGH if is_plain else PASSTHROUGH
    return Contestant(name, (*variant, *plain, *options), is_scoring=False)


def loop(weights: Path, scorer: str, processes: int = 1) -> Contestant:
    """The yardstick, `loop_consumer.py`; `weights` is the file that `write_weights` wrote."""
    if scorer == "sklearn":
        require_scikit_learn()
    written = {"sklearn": "scikit-learn in batches", "dictionary": "dictionary scorer"}[scorer]
    shared = "two processes" if processes == 2 else "one process"
    command = (sys.executable, str(HOME / "bench" / "loop_consumer.py"))
    options = ("--weights", str(weights), "--scorer", scorer, "--processes", str(processes))
    return Contestant(f"loop, {written}, {shared}", (*command, *options), is_spark=False)


def make_class_archives() -> None:
    """Makes those that all Spark programs here use, if they are missing."""
    command = [str(HOME / "spark-submit.sh"), "--prepare"]
    subprocess.run(command, env={**os.environ, "PYTHON": sys.executable}, check=True)


def require_scikit_learn() -> None:
    """Raises SystemExit if the yardstick lacks its package."""
    if find_spec("sklearn") is None:
        raise SystemExit(
            "the yardstick needs scikit-learn: run "
            "pip install --require-hashes -r requirements-bench.lock"
        )


def job_environment(directory: Path) -> Mapping[str, str]:
    """The environment of a job that writes below `directory`."""
    return {
        **os.environ,
        "PYTHON": sys.executable,
        "PYTHONPATH": str(HOME / "lib"),
        "SPARK_CONF_DIR": str(HOME / "conf"),
        "CHURN_STREAM_LOG_DIR": str(directory / "logs"),
        VARIABLE: "use",
    }


def _spark(slots: int, flags: Sequence[str]) -> tuple[str, ...]:
    java = ("--driver-java-options", " ".join(flags)) if flags else ()
    return ("--master", f"local[{slots}]", "--conf", "spark.ui.enabled=false", *java)
