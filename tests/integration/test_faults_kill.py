"""The job is killed or stopped under load: nothing is lost, and what came twice can be told."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import pytest
from job import Job, wait_until
from load import load, records_in
from verifying import assert_all_accounted

from sandbox.kafka.read_back import answered, read_topic
from sandbox.kafka.topics import CustomerTopics
from stream_telemetry.checkpoint.logs import read_plan

BATCH = 300
STOP_SECONDS = 30.0
OPTIONS = ("--trigger", "100 milliseconds", "--max-offsets-per-trigger", str(BATCH))


@pytest.fixture
def job(tmp_path: Path, broker: str, topic_names: CustomerTopics) -> Job:
    return Job(tmp_path, broker, topic_names)


def answers(job: Job) -> int:
    return records_in(job.broker, job.topics.predictions, job.topics.dead_letters)


def wait_for_answers(job: Job, process: subprocess.Popen[str]) -> None:
    """Returns when a few batches have been written since now."""
    before = answers(job)
    wait_until(lambda: answers(job) > before + 2 * BATCH, process)


def kill_under_load(job: Job, times: int, seed: int) -> None:
    """Each time, at a random moment while there is more to read than a batch."""
    rng = Random(seed)
    for _ in range(times):
        with job.running(*OPTIONS) as process:
            wait_for_answers(job, process)
            time.sleep(rng.uniform(0, 2))
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)


def test_a_kill_and_a_stop_under_load_lose_nothing_and_the_stop_repeats_nothing(job: Job) -> None:
    with load(job.broker, job.topics.raw):
        kill_under_load(job, 1, seed=1)
        with job.running(*OPTIONS) as process:
            wait_for_answers(job, process)
            refused = job.run("--trigger", "once")
            assert (refused.returncode, "in use" in refused.stderr) == (2, True)
            start = time.monotonic()
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0, process.communicate()[0]
            assert time.monotonic() - start < STOP_SECONDS
    checkpoint = job.directory / "checkpoint"
    # The next batch may have been planned, but not more: all that was written is committed. Nothing
    # was aborted or deleted, so these are all records below the committed positions.
    planned, committed = (newest_batch(checkpoint / log) for log in ("offsets", "commits"))
    assert planned - committed in (0, 1)
    plan = read_plan((checkpoint / "offsets" / str(committed)).read_text())
    done = {
        (*partition, offset)
        for partition, position in plan.positions.items()
        for offset in range(position)
    }
    topics = (job.topics.predictions, job.topics.dead_letters)
    found = [answered(m) for topic in topics for m in read_topic(job.broker, topic)]
    assert set(found) == done
    assert len(found) - len(done) <= BATCH


def newest_batch(log: Path) -> int:
    return max(int(file.name) for file in log.iterdir() if file.name.isdigit())


@pytest.mark.slow
def test_ten_kills_under_load_lose_nothing_and_repeat_a_batch_each_at_most(job: Job) -> None:
    with load(job.broker, job.topics.raw):
        kill_under_load(job, 10, seed=2)
    result = job.run("--trigger", "once", time_limit=900)
    assert result.returncode == 0, result.stderr
    books = assert_all_accounted(job.broker, job.topics)
    sys.stdout.write(f"{books}\n")
    assert books["repeated"] <= 10 * BATCH


@pytest.mark.slow
def test_a_killed_real_time_batch_comes_again_also_in_another_mode(job: Job) -> None:
    with (
        load(job.broker, job.topics.raw),
        job.running("--trigger", "realtime=30 seconds") as process,
    ):
        wait_for_answers(job, process)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)
    written = answers(job)
    for _ in range(2):
        result = job.run("--trigger", "once")
        assert result.returncode == 0, result.stderr
    books = assert_all_accounted(job.broker, job.topics)
    sys.stdout.write(f"{books}\n")
    assert books["repeated"] <= written
