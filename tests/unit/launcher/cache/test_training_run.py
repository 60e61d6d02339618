from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from launcher.cache import training_run
from launcher.cache.class_archive import ClassArchive, directory
from launcher.errors import LaunchError

# Asks for an archive, then becomes another program, as the launcher becomes spark-submit.
RUN = """
import os, sys
from pathlib import Path
from launcher.cache.class_archive import ClassArchive
from launcher.cache.training_run import make_later
for _ in range(3):
    make_later(ClassArchive(Path(sys.argv[1])), ())
os.execv("/bin/cat", ["cat"])
"""
LIMIT_SECONDS = 60.0


@pytest.fixture(autouse=True)
def _nothing_can_be_trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANDBOX_CACHE", str(tmp_path))
    monkeypatch.setenv("JAVA_HOME", "/nowhere")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))


@pytest.fixture
def archive() -> ClassArchive:
    return ClassArchive(directory() / "job-1")


def mark_of(archive: ClassArchive) -> Path:
    return archive.stem.with_suffix(".failed")


def run(archive: ClassArchive) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", RUN, str(archive.stem)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def waiting_for(archive: ClassArchive) -> list[str]:
    """The programs that have the archive in their command line."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (process / "cmdline").read_text().split("\0")
            if str(archive.stem) in words and RUN not in words:
                found.append((process / "comm").read_text().strip())
    return found


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + LIMIT_SECONDS
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} did not come"
        time.sleep(0.1)


def test_archives_are_made_when_a_run_has_ended_and_nobody_waits_for_that(
    archive: ClassArchive,
) -> None:
    with run(archive) as process:
        assert process.stdin is not None
        process.stdin.write("it has become cat\n")
        process.stdin.flush()
        assert process.stdout is not None
        assert process.stdout.readline() == "it has become cat\n"
        time.sleep(1.0)
        assert waiting_for(archive) == ["sh"]
        # Also returns when all that writes to its console is gone: the maker does not.
        said, _ = process.communicate(timeout=LIMIT_SECONDS)
    assert said == ""
    wait_for(mark_of(archive))


def test_a_run_that_is_killed_is_one_that_has_ended(archive: ClassArchive) -> None:
    with run(archive) as process:
        assert process.stdin is not None
        process.stdin.write("alive\n")
        process.stdin.flush()
        assert process.stdout is not None
        assert process.stdout.readline() == "alive\n"
        process.kill()
    wait_for(mark_of(archive))


def test_after_a_failure_nobody_tries_again_for_a_day(archive: ClassArchive) -> None:
    directory().mkdir()
    mark = mark_of(archive)
    mark.touch()
    before = os.listdir("/proc/self/fd")
    training_run.make_later(archive, ())
    assert os.listdir("/proc/self/fd") == before


def test_of_two_makers_the_second_leaves_it_to_the_first(archive: ClassArchive) -> None:
    directory().mkdir()
    command = [sys.executable, "-m", "launcher.cache.training_run", str(archive.stem)]
    with (directory() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run(command, check=True, timeout=LIMIT_SECONDS)
        assert not mark_of(archive).exists()
    subprocess.run(command, check=True, timeout=LIMIT_SECONDS)
    assert mark_of(archive).exists()


def test_whoever_waits_is_told_why_it_failed(archive: ClassArchive) -> None:
    with pytest.raises(LaunchError, match=r"run that makes class archives failed: .*/nowhere"):
        training_run.make_now([archive], ())


def test_what_a_failed_run_has_recorded_is_removed(archive: ClassArchive) -> None:
    directory().mkdir()
    archive.recording.write_text("half of it")
    with pytest.raises(LaunchError):
        training_run.make_now([archive], ())
    assert not archive.recording.exists()
    assert not archive.is_made


def test_what_is_made_is_not_made_again(archive: ClassArchive) -> None:
    directory().mkdir()
    archive.recording.write_text("classes")
    archive.keep()
    training_run.make_now([archive], ())


def test_nothing_of_the_callers_settings_reaches_the_training_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    foreign = ("CHURN_STREAM_PUSHGATEWAY", "SPARK_CONF_DIR", "HADOOP_CONF_DIR", "KAFKA_OPTS")
    for name in foreign:
        monkeypatch.setenv(name, "mine")
    monkeypatch.setenv("CHURN_STREAM_HOME", "/here")
    proxy, shaping = "-Dhttps.proxyHost=p", "-XX:+UseZGC"
    monkeypatch.setenv("SPARK_SUBMIT_OPTS", f"-agentlib:jdwp=suspend=y {proxy} -Da=b {shaping}")
    environment = training_run.training_environment([shaping])
    assert not set(foreign) & set(environment)
    assert environment["CHURN_STREAM_HOME"] == "/here"
    assert environment["SPARK_SUBMIT_OPTS"] == f"{proxy} {shaping}"
