"""What version 0.1 has left behind, the job goes on with: checkpoint, log and model."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from job import HOME, Job, wait_until
from load import load, publish, records_in
from verifying import assert_all_accounted

from launcher.cache.connector import connector_jars
from launcher.java import chosen_java
from launcher.spark import SPARK_HOME
from sandbox.kafka.topics import CustomerTopics

pytestmark = pytest.mark.slow

VERSION_0_1 = "9042b3356eb4b9ce25f1480ab226d0549dbf7534"


@dataclass(frozen=True)
class OldJob(Job):
    """Version 0.1, started by Spark's own script: its own refuses the Java that comes along."""

    @property
    def environment(self) -> dict[str, str]:
        return super().environment | {
            "JAVA_HOME": str(chosen_java().home),
            "SPARK_CONF_DIR": str(self.home / "conf"),
            "PYSPARK_PYTHON": sys.executable,
            "PYTHONPATH": str(self.home / "lib"),
            "CHURN_STREAM_LOG_DIR": str(self.directory / "logs"),
        }

    def command(self, *options: str) -> list[str]:
        _, *job_options = super().command(*options)
        submit = [str(SPARK_HOME / "bin" / "spark-submit"), "--jars", connector_jars()]
        return [*submit, str(self.home / "jobs" / "churn_stream.py"), *job_options]


@pytest.fixture(scope="session")
def version_0_1(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its files, as they were released."""
    home = tmp_path_factory.mktemp("version-0.1")
    packed = subprocess.run(
        ["git", "archive", VERSION_0_1], cwd=HOME, stdout=subprocess.PIPE, check=True
    )
    subprocess.run(["tar", "x"], cwd=home, input=packed.stdout, check=True)
    return home


@pytest.fixture
def old(tmp_path: Path, broker: str, topic_names: CustomerTopics, version_0_1: Path) -> OldJob:
    return OldJob(tmp_path, broker, topic_names, version_0_1)


def lines_about_records(job: Job) -> list[dict[str, object]]:
    """Of all runs, whatever the version that wrote them."""
    files = sorted(job.directory.glob("logs/*.log*"))
    texts = [line for file in files for line in file.read_text("utf-8").splitlines()]
    lines = [json.loads(text) for text in texts if text.startswith("{")]
    return [line for line in lines if "message_id" in line]


def test_checkpoint_log_and_model_are_gone_on_with(old: OldJob) -> None:
    new = Job(old.directory, old.broker, old.topics)
    model = ("--model-path", str(old.home / "models" / "churn"))
    publish(old.broker, old.topics.raw, 60)
    before = old.run("--trigger", "once", *model)
    assert before.returncode == 0, before.stderr
    logged = len(lines_about_records(old))
    publish(old.broker, old.topics.raw, 40)
    after = new.run("--trigger", "once", *model)
    assert after.returncode == 0, after.stderr
    figures = assert_all_accounted(old.broker, old.topics)
    assert (figures["read"], figures["repeated"]) == (100, 0)
    lines = lines_about_records(new)
    assert (logged, len(lines)) == (60, 100)


def test_a_batch_that_version_0_1_left_unfinished_is_finished(old: OldJob) -> None:
    new = Job(old.directory, old.broker, old.topics)
    options = ("--trigger", "1 second", "--max-offsets-per-trigger", "100")
    outputs = (old.topics.predictions, old.topics.dead_letters)
    with load(old.broker, old.topics.raw, 200), old.running(*options) as process:
        wait_until(lambda: records_in(old.broker, *outputs) > 500, process)
        process.kill()
    after = new.run("--trigger", "once")
    assert after.returncode == 0, after.stderr
    figures = assert_all_accounted(old.broker, old.topics)
    # At most the batch that was under way.
    assert figures["repeated"] <= 100
    assert (old.directory / "checkpoint" / "identity.json").is_file()
