"""How class archives come to be: at once by `--prepare`, or behind a first run."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from job import HOME, Job

from launcher.cache.class_archive import VARIABLE, Mode
from launcher.cache.connector import connector_jars
from sandbox.kafka.kafka_jars import kafka_class_path
from sandbox.kafka.topics import CustomerTopics

pytestmark = pytest.mark.slow
# The maker has the lowest priority.
MAKING_SECONDS = 1200.0


@pytest.fixture
def job(tmp_path: Path, broker: str, topic_names: CustomerTopics) -> Job:
    return Job(tmp_path, broker, topic_names)


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Path]:
    """A cache that has the jars and nothing else."""
    directory = tmp_path / "cache"
    directory.mkdir()
    for jar in (Path(connector_jars().split(",")[0]), kafka_class_path()[-1]):
        (directory / jar.parent.name).symlink_to(jar.parent)
    yield directory
    for process in makers(directory):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process, signal.SIGKILL)


def makers(cache: Path) -> list[int]:
    """The processes that make archives in the cache, or wait for a run to end to do so."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (process / "cmdline").read_bytes()
            if b"launcher.cache.training_run" in words and os.fsencode(cache) in words:
                found.append(int(process.name))
    return found


def said(job: Job, cache: Path, *words: str) -> str:
    """What the command says of itself, once it has ended well."""
    run = subprocess.run(
        words,
        env=job.environment | {VARIABLE: Mode.ON, "SANDBOX_CACHE": str(cache)},
        cwd=job.directory,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    return run.stderr


def test_prepare_makes_them_once_and_the_next_start_uses_them(job: Job, cache: Path) -> None:
    prepare = (str(HOME / "spark-submit.sh"), "--prepare")
    made = said(job, cache, *prepare)
    assert "Making class archives" in made
    assert made.endswith("Ready.\n")
    assert makers(cache) == []
    kinds = sorted(file.name.partition("-")[0] for file in (cache / "classes").glob("*.archive"))
    assert kinds == ["broker", "job"]
    assert ", with class archive" in said(job, cache, *job.command("--dry-run"))
    assert "Making" not in said(job, cache, *prepare)


def test_a_first_run_has_them_made_when_it_has_ended_and_the_second_uses_them(
    job: Job, cache: Path
) -> None:
    dry_run = job.command("--dry-run")
    assert ", no class archive yet" in said(job, cache, *dry_run)
    assert makers(cache) != []
    deadline = time.monotonic() + MAKING_SECONDS
    while makers(cache):
        assert time.monotonic() < deadline, "it is still being made"
        time.sleep(1)
    assert ", with class archive" in said(job, cache, *dry_run)
    assert makers(cache) == []
