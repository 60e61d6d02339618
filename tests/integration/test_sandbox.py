from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.request import urlopen

import pytest
from listening import listening, open_to_others
from waiting import eventually

from launcher.cache.class_archive import VARIABLE, Mode
from sandbox.ports import LOOPBACK

SUBMIT = Path(__file__).resolve().parents[2] / "spark-submit.sh"
START_LIMIT_SECONDS = 180.0


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """All that a run writes goes below `tmp_path`, which so also marks its processes."""
    return {
        **{k: v for k, v in os.environ.items() if not k.startswith(("CHURN_STREAM_", "SPARK_"))},
        "PYTHON": sys.executable,
        VARIABLE: os.environ.get(VARIABLE, Mode.USE),
        # As for the job, in job.py.
        "SPARK_SUBMIT_OPTS": "-XX:TieredStopAtLevel=1",
        "TMPDIR": str(tmp_path),
        "CHURN_STREAM_LOG_DIR": str(tmp_path / "logs"),
        "CHURN_STREAM_RUN_LOG_DIR": str(tmp_path / "runs"),
    }


def submit(
    environment: dict[str, str], *arguments: str, script: Path = SUBMIT
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(script), *arguments],
        env=environment,
        cwd=environment["TMPDIR"],
        capture_output=True,
        text=True,
        timeout=START_LIMIT_SECONDS,
    )


@contextmanager
def streaming(environment: dict[str, str], *arguments: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [str(SUBMIT), "--sandbox", "--metrics-port", "0", *arguments],
        env=environment,
        cwd=environment["TMPDIR"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def read_until(process: subprocess.Popen[str], pattern: str) -> str:
    assert process.stdout is not None
    text = ""
    for line in process.stdout:
        text += line
        if re.search(pattern, line):
            return text
    raise AssertionError(f"it ended without {pattern!r}: {text}")


@contextmanager
def spark_port_taken() -> Iterator[None]:
    """Another process listens where Spark's page would be."""
    with socket.socket() as other:
        # By whom does not matter.
        with suppress(OSError):
            other.bind((LOOPBACK, 4040))
            other.listen()
        yield


def page_at(shown: str, name: str, path: str = "") -> bytes:
    """What answers at an address that the sandbox has named."""
    named = re.search(rf"^  {name} +(http\S+)$", shown, re.MULTILINE)
    assert named, shown
    # The first request to its page makes Spark load a web framework.
    with urlopen(f"{named[1]}{path}", timeout=60) as answer:
        return bytes(answer.read())


def left_behind(environment: dict[str, str]) -> list[str]:
    """Running processes that have the run's scratch directory in their command line."""
    processes = subprocess.run(["ps", "-eww", "-o", "args"], capture_output=True, text=True).stdout
    return [line for line in processes.splitlines() if environment["TMPDIR"] in line]


def test_once_accounts_for_every_event_and_leaves_nothing(environment: dict[str, str]) -> None:
    # With a login; the test of a stream has none.
    arguments = ("--secure", "--trigger", "once", "--events", "300", "--bad-ratio", "0.1")
    run = submit(environment, "--sandbox", *arguments, "--metrics-port", "0")
    assert run.returncode == 0, run.stdout + run.stderr
    counts = {
        name: int(count)
        for name, count in re.findall(r"^([a-z ]+?) +(\d+)$", run.stdout, re.MULTILINE)
    }
    assert re.search(r"asks for TLS and a login: --kafka-config \S+/kafka\.properties", run.stdout)
    assert counts["read"] == 300
    assert counts["predictions"] + counts["dead letters"] == 300
    assert 10 <= counts["dead letters"] <= 60
    assert counts["unaccounted"] == counts["repeated"] == 0
    assert re.search(r"latency +median +[\d.]+ ms +p95 +[\d.]+ ms", run.stdout)
    assert re.search(r"^ +\d+  validation_error$", run.stdout, re.MULTILINE)
    assert "Traceback" not in run.stdout + run.stderr
    assert left_behind(environment) == []
    assert list(Path(environment["TMPDIR"]).glob("telco-churn-sandbox-*")) == []
    assert (Path(environment["TMPDIR"]) / "logs" / "spark.log").exists()


def test_a_stream_shows_first_results_and_ctrl_c_ends_it_cleanly(
    environment: dict[str, str],
) -> None:
    with (
        spark_port_taken(),
        streaming(environment, "--rate", "100", "--bad-ratio", "0.2") as process,
    ):
        shown = read_until(process, r"^prediction   \d{4}-[A-Z]{5}  churn +[\d.]+%")
        assert re.search(r"Kafka +127\.0\.0\.1:\d+", shown)
        assert b"kafka_consumer_info" in page_at(shown, "metrics")
        assert b"churn_stream" in page_at(shown, "Spark", "/api/v1/applications")
        # Kafka and its controller, Spark's page, RPC and blocks, Py4J both ways, the exporter.
        assert len(listening(process.pid)) >= 8
        assert open_to_others(process.pid) == {}
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=60)
    assert process.returncode == 0, shown + rest
    assert "nothing is left running" in rest
    assert "Traceback" not in shown + rest
    assert left_behind(environment) == []
    assert list(Path(environment["TMPDIR"]).glob("telco-churn-sandbox-*")) == []


def test_a_second_ctrl_c_ends_everything_at_once(environment: dict[str, str]) -> None:
    with streaming(environment) as process:
        read_until(process, r"console of the job")
        assert left_behind(environment) != []
        process.send_signal(signal.SIGTERM)
        read_until(process, r"Stopping")
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=5) == 130
    assert eventually(lambda: left_behind(environment) == [])


def test_a_sandbox_that_is_killed_leaves_nothing_running(environment: dict[str, str]) -> None:
    with streaming(environment) as process:
        read_until(process, r"console of the job")
        assert left_behind(environment) != []
        process.kill()
    assert eventually(lambda: left_behind(environment) == [])


def test_a_job_that_fails_is_one_line_with_its_own_exit_code(environment: dict[str, str]) -> None:
    arguments = ("--trigger", "once", "--events", "1", "--metrics-port", "0")
    run = submit(environment, "--sandbox", *arguments, "--model-path", "no-such-model")
    assert run.returncode == 3
    line = run.stderr.splitlines()[-1]
    assert line.startswith("sandbox: the job ended with exit code 3: ")
    assert "no-such-model" in line
    scratch = re.search(r"\(all logs: (.*)\)", line)
    assert scratch
    assert (Path(scratch[1]) / "job.log").exists()
    assert left_behind(environment) == []


def test_a_taken_metrics_port_is_told_before_anything_starts(environment: dict[str, str]) -> None:
    with socket.create_server((LOOPBACK, 0)) as other:
        port = str(other.getsockname()[1])
        run = submit(environment, "--sandbox", "--metrics-port", port)
    assert run.returncode == 2
    assert f"port {port}, for the metrics, is taken; stop what listens there" in run.stderr
    assert "--metrics-port" in run.stderr
    assert "Starting Kafka" not in run.stdout


@pytest.mark.parametrize("arguments", [("--trigger", "often"), ("--no-such-option", "1")])
def test_a_bad_job_option_is_one_line_before_anything_starts(
    environment: dict[str, str], arguments: tuple[str, ...]
) -> None:
    run = submit(environment, "--sandbox", *arguments)
    assert run.returncode == 2
    assert run.stdout == ""
    assert len(run.stderr.splitlines()) == 1
    assert arguments[0] in run.stderr


def test_help_works_through_a_symlink_from_elsewhere(
    environment: dict[str, str], tmp_path: Path
) -> None:
    link = tmp_path / "submit"
    link.symlink_to(SUBMIT)
    run = submit(environment, "--master", "local[2]", "--help", script=link)
    assert (run.returncode, run.stderr) == (0, "")
    assert "--deadletter-topic" in run.stdout
    sandbox = submit(environment, "--sandbox", "--help", script=link)
    assert (sandbox.returncode, sandbox.stderr) == (0, "")
    assert "--bad-ratio" in sandbox.stdout


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (None, "No such file"),
        ("java.base@11.0.2", "is 11.0.2;"),
        ("java.base@21.0.8", "lacks the module java.desktop"),
    ],
)
def test_a_java_that_does_not_do_is_one_line(
    environment: dict[str, str], tmp_path: Path, answer: str | None, told: str
) -> None:
    java = tmp_path / "jdk" / "bin" / "java"
    java.parent.mkdir(parents=True)
    if answer:
        java.write_text(f"#!/bin/sh\necho {answer}\n")
        java.chmod(0o755)
    run = submit({**environment, "JAVA_HOME": str(tmp_path / "jdk")})
    assert run.returncode == 2
    assert told in run.stderr
    assert f"JAVA_HOME={tmp_path / 'jdk'}" in run.stderr
    assert len(run.stderr.splitlines()) == 1
