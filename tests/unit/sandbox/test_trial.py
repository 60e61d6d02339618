"""How a try of the job ends: on both sides of what the integration tests run."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

import pytest

from launcher.cache.class_archive import VARIABLE
from launcher.child import Child
from launcher.submit.command import Submission
from sandbox import trial
from sandbox.errors import SandboxError
from sandbox.kafka.broker import KafkaBroker
from sandbox.plan import parse_plan
from sandbox.ports import LOOPBACK
from sandbox.trial import Trial

SUBMISSION = Submission(("/bin/false",), {})


def made(scratch: Path, *words: str) -> Trial:
    return Trial(scratch, parse_plan(["--sandbox", *words], {}), SUBMISSION, lambda: None)


def ended(directory: Path, script: str) -> Child:
    child = Child("the job", ["/bin/sh", "-c", script], directory / "log")
    deadline = time.monotonic() + 20
    while child.is_running and time.monotonic() < deadline:
        time.sleep(0.02)
    return child


def test_a_port_that_the_job_needs_is_looked_at_before_anything_starts(tmp_path: Path) -> None:
    with socket.create_server((LOOPBACK, 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(SandboxError, match=f"port {port}, for the metrics, is taken"):
            made(tmp_path, "--metrics-port", str(port)).prepare()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("script", "code", "shown"),
    [
        ("echo why; exit 3", 3, "ended with exit code 3: why"),
        ("echo why; kill -KILL $$", 137, "ended with exit code -9: why"),
        ("exit 0", 1, "ended with exit code 0"),
    ],
)
def test_a_child_that_ended_is_told_with_a_shell_s_number_and_its_last_lines(
    tmp_path: Path, script: str, code: int, shown: str
) -> None:
    child = ended(tmp_path, script)
    failure = trial._failure(child)
    child.kill()
    assert failure.exit_code == code
    assert shown in str(failure)


@pytest.mark.parametrize(("mode", "is_short"), [("use", True), ("record", False)])
def test_only_a_job_that_records_an_archive_gets_the_second_compiler(
    tmp_path: Path, mode: str, is_short: bool
) -> None:
    environment = {VARIABLE: mode, "PATH": os.defpath}
    says = Submission(("/bin/sh", "-c", 'echo "$SPARK_SUBMIT_OPTS"'), environment)
    job = Trial(tmp_path, parse_plan(["--sandbox"], {}), says, lambda: None)._start_job()
    deadline = time.monotonic() + 20
    while job.is_running and time.monotonic() < deadline:
        time.sleep(0.02)
    job.kill()
    assert ("TieredStopAtLevel=1" in (tmp_path / "job.log").read_text()) == is_short


@pytest.mark.parametrize("script", ["exit 0", "kill -TERM $$", "exit 143"])
def test_a_job_that_ended_as_it_was_asked_to_is_a_clean_end(tmp_path: Path, script: str) -> None:
    tried = made(tmp_path)
    tried._job = ended(tmp_path, script)
    tried.require_clean_end()
    tried._job.kill()


def test_a_job_that_ended_otherwise_is_told(tmp_path: Path) -> None:
    tried = made(tmp_path)
    tried._job = ended(tmp_path, "echo broken; exit 5")
    with pytest.raises(SandboxError, match="the job ended with exit code 5: broken") as failure:
        tried.require_clean_end()
    tried._job.kill()
    assert failure.value.exit_code == 5


def test_leaving_ends_what_was_started_and_what_was_not_started_is_no_trouble(
    tmp_path: Path,
) -> None:
    with made(tmp_path) as tried:
        child = Child("the producer", ["/bin/sleep", "600"], tmp_path / "producer.log")
        tried._feeding.child = child
    assert not child.is_running


def test_the_job_is_started_beside_the_broker_and_does_not_outlive_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(broker: KafkaBroker, check: object) -> None:
        assert tried._job
        assert tried._job.is_running
        raise SandboxError("no broker")

    monkeypatch.setattr(KafkaBroker, "start", fail)
    waiting = Submission(("/bin/sh", "-c", "exec sleep 600", "job"), {})
    tried = Trial(tmp_path, parse_plan(["--sandbox"], {}), waiting, lambda: None)
    with pytest.raises(SandboxError, match="no broker"), tried:
        tried.prepare()
    assert tried._job
    assert not tried._job.is_running
