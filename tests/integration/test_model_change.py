"""A model changes under load: nothing is lost or repeated, no old score follows a new one."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import groupby
from pathlib import Path

import pytest
from job import Job, python_of, wait_until
from load import load
from scrape import scrape
from verifying import assert_all_accounted

from sandbox.kafka.read_back import answered, read_topic
from sandbox.kafka.topics import CustomerTopics
from sandbox.ports import free_port
from stream_telemetry.broker.read import object_of
from telco_churn.model.manifest import MANIFEST_NAME, read_manifest
from telco_churn.paths import project_home

SHIPPED = project_home() / "models" / "churn"
FIRST = read_manifest(SHIPPED).version
MANY = 200


class Scoring:
    """A job that scores with a model which may change."""

    def __init__(self, job: Job, process: subprocess.Popen[str], model: Path, url: str) -> None:
        self.job = job
        self.process = process
        self.model = model
        self.url = url

    def put(self, version: str, **changed: object) -> None:
        manifest = json.loads((SHIPPED / MANIFEST_NAME).read_text())
        new = self.model.with_suffix(".new")
        new.write_text(json.dumps({**manifest, "version": version, **changed}))
        new.replace(self.model / MANIFEST_NAME)

    def hang_up(self, *, in_jvm: bool) -> None:
        os.kill(self.process.pid if in_jvm else python_of(self.job), signal.SIGHUP)

    def wait_for(self, condition: Callable[[], bool]) -> None:
        wait_until(condition, self.process)

    def scores_by(self, version: str) -> bool:
        """Whether the model has scored many records in this topic so far."""
        return Counter(v for _, v in versions(self.job))[version] >= MANY

    def log(self) -> str:
        """All that it has logged; a long run has put some of it aside."""
        files = sorted((self.job.directory / "logs").glob("kafka_consumer.log*"))
        with suppress(FileNotFoundError):  # it is just being put aside
            return "".join(file.read_text("utf-8") for file in files)
        return ""

    def has_refused(self, times: int) -> bool:
        found = scrape(self.url)
        return found is not None and found.total("model_changes_total", outcome="refused") == times


def versions(job: Job) -> Iterator[tuple[tuple[str, int, int], str]]:
    """Of each prediction the record that it answers, and the model's version; as they were written.

    Partition by partition of the topic of predictions.
    """
    records = list(read_topic(job.broker, job.topics.predictions))
    records.sort(key=lambda record: (record.partition() or 0, record.offset() or 0))
    for record in records:
        yield answered(record), str(object_of(record)["model_version"])


def turns(found: list[str]) -> list[str]:
    """The versions, each as often as it was turned to."""
    return [version for version, _ in groupby(found)]


def is_part_of(found: list[str], wanted: list[str]) -> bool:
    """Whether some of what is wanted was found, in its order and nothing else."""
    rest = iter(wanted)
    return all(version in rest for version in found)


def assert_in_order(job: Job, wanted: list[str]) -> None:
    """No version comes back in a partition, neither of the predictions nor of their source.

    A partition may miss one of them: records without a key go here for a while, and then there.
    """
    by_output, by_source = defaultdict(list), defaultdict(list)
    for record in read_topic(job.broker, job.topics.predictions):
        version = str(object_of(record)["model_version"])
        by_output[record.partition()].append((record.offset() or 0, version))
        source = answered(record)
        by_source[source.partition].append((source.offset, version))
    for partitions in (by_output, by_source):
        for places in partitions.values():
            assert is_part_of(turns([version for _, version in sorted(places)]), wanted)
    assert {version for _, version in versions(job)} == set(wanted)


@pytest.mark.slow
@pytest.mark.parametrize("trigger", ["500 milliseconds", "realtime=5 seconds"])
def test_a_model_is_changed_and_changed_back_under_load(
    broker: str, topic_names: CustomerTopics, tmp_path: Path, trigger: str
) -> None:
    model = Path(shutil.copytree(SHIPPED, tmp_path / "model"))
    job, port = Job(tmp_path, broker, topic_names), free_port()
    options = ("--model-path", str(model), "--trigger", trigger, "--metrics-port", str(port))
    with load(broker, topic_names.raw, rate=200), job.running(*options) as process:
        scoring = Scoring(job, process, model, f"http://127.0.0.1:{port}")
        scoring.wait_for(lambda: scoring.scores_by(FIRST))
        scoring.put("second", threshold=0.9)
        scoring.hang_up(in_jvm=True)
        scoring.wait_for(lambda: scoring.scores_by("second"))
        scoring.put("broken", files={"pipeline/metadata/part-00000": "0" * 64})
        scoring.hang_up(in_jvm=False)
        scoring.wait_for(lambda: scoring.has_refused(1))
        time.sleep(1)
        found = scrape(scoring.url)
        assert found
        assert found.total("model_info", version="second") == 1
        assert found.total("model_info") == 1
        assert found.total("model_changes_total", outcome="taken") == 1
        assert found.total("stream_restarts_total") == 0
        before = sum(1 for _ in versions(job))
        scoring.wait_for(lambda: sum(1 for _ in versions(job)) > before + MANY)
        assert_in_order(job, [FIRST, "second"])
        scoring.put(FIRST)
        scoring.hang_up(in_jvm=True)
        taken = f"model {FIRST} scores from now on; it was second"
        scoring.wait_for(lambda: taken in scoring.log())
        before = sum(1 for _ in versions(job))
        scoring.wait_for(lambda: sum(1 for _ in versions(job)) > before + MANY)
        # Before the end: in real-time mode a batch that is stopped comes again.
        assert_in_order(job, [FIRST, "second", FIRST])
        assert set(Counter(source for source, _ in versions(job)).values()) == {1}
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0, process.communicate()[0]
    (line,) = [line for line in scoring.log().splitlines() if "is refused" in line]
    assert "second goes on" in line
    # What came after the stop.
    assert job.run("--model-path", str(model), "--trigger", "once").returncode == 0
    books = assert_all_accounted(broker, topic_names)
    assert books["repeated"] == 0 or trigger.startswith("realtime")


@pytest.mark.slow
def test_a_watched_model_is_taken_and_a_run_with_an_end_keeps_its_own(
    broker: str, topic_names: CustomerTopics, tmp_path: Path
) -> None:
    model = Path(shutil.copytree(SHIPPED, tmp_path / "model"))
    job = Job(tmp_path, broker, topic_names)
    options = ("--model-path", str(model), "--trigger", "500 milliseconds", "--watch-model", "1")
    with load(broker, topic_names.raw, rate=200), job.running(*options) as process:
        scoring = Scoring(job, process, model, "")
        scoring.wait_for(lambda: scoring.scores_by(FIRST))
        scoring.put("second")
        scoring.wait_for(lambda: scoring.scores_by("second"))
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0, process.communicate()[0]
    assert job.run("--model-path", str(model), "--trigger", "once").returncode == 0
    assert assert_all_accounted(broker, topic_names)["repeated"] == 0
    assert_in_order(job, [FIRST, "second"])
