"""`spark-submit.sh` and `monitoring.sh` as a user calls them, as far as they get without a JVM."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from telco_churn import __version__

pytestmark = pytest.mark.needs("dash", "busybox")

HOME = Path(__file__).resolve().parents[3]


@pytest.fixture(params=["dash", "busybox sh"])
def shell(request: pytest.FixtureRequest) -> list[str]:
    return str(request.param).split()


def call(
    shell: list[str], script: Path | str, *words: str, cwd: Path = HOME, **environment: str
) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("CHURN_STREAM_", "SPARK_"))}
    return subprocess.run(
        [*shell, str(script), *words],
        env={**kept, "PYTHON": sys.executable, **environment},
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_submit_script_tells_its_version(shell: list[str]) -> None:
    told = call(shell, "spark-submit.sh", "--version")
    assert (told.returncode, told.stderr) == (0, "")
    assert __version__ in told.stdout


def test_help_has_the_jobs_options_and_says_where_the_others_go(shell: list[str]) -> None:
    told = call(shell, "spark-submit.sh", "--master", "local[2]", "--help")
    assert (told.returncode, told.stderr) == (0, "")
    assert "--deadletter-topic" in told.stdout
    assert "--sandbox" in told.stdout
    assert "spark-submit" in told.stdout


def test_the_sandbox_has_its_own_help(shell: list[str]) -> None:
    told = call(shell, "spark-submit.sh", "--sandbox", "-h")
    assert (told.returncode, told.stderr) == (0, "")
    assert "--bad-ratio" in told.stdout
    assert "--deadletter-topic" not in told.stdout


def test_the_submit_script_is_found_through_links_from_anywhere(
    shell: list[str], tmp_path: Path
) -> None:
    (tmp_path / "a b").mkdir()
    (tmp_path / "a b" / "absolute").symlink_to(HOME / "spark-submit.sh")
    (tmp_path / "relative").symlink_to("a b/absolute")
    # Neither a package of that name nor a directory on CDPATH may get in its way.
    (tmp_path / "launcher").mkdir()
    (tmp_path / "launcher" / "__main__.py").write_text("raise SystemExit(9)")
    told = call(shell, "relative", "--version", cwd=tmp_path, CDPATH=str(tmp_path.parent))
    assert (told.returncode, told.stderr) == (0, "")


def test_a_misspelt_word_is_one_line(shell: list[str]) -> None:
    told = call(shell, "spark-submit.sh", "--tiggre", "once")
    assert (told.returncode, told.stdout) == (2, "")
    assert told.stderr == (
        "spark-submit.sh: unknown argument --tiggre; did you mean --trigger?; --help lists the "
        "options\n"
    )


@pytest.mark.parametrize("value", ["a b", "it's", 'a"b"', "$HOME", "*", "ä"])
def test_values_arrive_as_they_are_written(shell: list[str], value: str) -> None:
    told = call(shell, "spark-submit.sh", "--input-topic", value, LC_ALL="C")
    assert told.returncode == 2
    assert f"--input-topic: {value!r} is not a topic name" in told.stderr


def test_an_empty_value_on_the_command_line_stays_empty(shell: list[str]) -> None:
    told = call(shell, "spark-submit.sh", "--consumer-group", "")
    assert told.returncode == 2
    assert "--consumer-group: '' is empty" in told.stderr


def test_another_sparks_python_path_changes_nothing(shell: list[str], tmp_path: Path) -> None:
    (tmp_path / "pyspark").mkdir()
    (tmp_path / "pyspark" / "__init__.py").write_text("raise RuntimeError('another Spark')")
    told = call(shell, "spark-submit.sh", "--version", PYTHONPATH=str(tmp_path), PYTHONHOME="/x")
    assert (told.returncode, told.stderr) == (0, "")


def test_a_java_home_that_does_not_fit_is_one_line(shell: list[str]) -> None:
    told = call(shell, "spark-submit.sh", "--dry-run", JAVA_HOME="/nowhere")
    assert told.returncode == 2
    assert told.stderr.startswith("spark-submit.sh: JAVA_HOME=/nowhere: ")
    assert len(told.stderr.splitlines()) == 1


def test_monitoring_needs_any_python_and_no_packages(shell: list[str]) -> None:
    told = call(shell, "monitoring.sh", "--help", PYTHON=sys.executable)
    assert (told.returncode, told.stderr) == (0, "")
    assert "--prometheus-port" in told.stdout
    refused = call(shell, "monitoring.sh", PYTHON="/nowhere/python")
    assert refused.returncode == 2
    assert refused.stderr.startswith("monitoring.sh: no Python >= 3.11 found")


def test_a_stop_before_there_is_python_is_one_line(shell: list[str], tmp_path: Path) -> None:
    slow = tmp_path / "python"
    slow.write_text(f'#!/bin/sh\n: >{tmp_path}/asked\nsleep 0.5\nexec {sys.executable} "$@"\n')
    slow.chmod(0o755)
    with subprocess.Popen(
        [*shell, "spark-submit.sh"],
        env={**os.environ, "PYTHON": str(slow)},
        cwd=HOME,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        while not (tmp_path / "asked").exists():
            time.sleep(0.01)
        process.terminate()
        said = process.communicate(timeout=60)[1]
    assert process.returncode == 143
    assert said == "spark-submit.sh: stopped before the job had begun\n"
