from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from launcher.cache.class_archive import VARIABLE, Mode
from launcher.spark import SPARK_HOME, spark_version
from launcher.submit.command import Submission, put_together
from launcher.submit.division import divide
from stream_telemetry.logs.settings import LogSettings


@pytest.fixture
def jars(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lock_jars: Callable[[Path], None]
) -> list[str]:
    """The connector's jars, in a cache of this test's own."""
    monkeypatch.setenv("SANDBOX_CACHE", str(tmp_path / "cache"))
    directory = tmp_path / "cache" / f"spark-sql-kafka-{spark_version()}"
    directory.mkdir(parents=True)
    paths = [directory / "org.a_a-1.0.jar", directory / "org.b_b-1.0.jar"]
    for path in paths:
        path.touch()
    lock_jars(directory)
    return [str(path) for path in paths]


def submission(directory: Path, *words: str) -> Submission:
    # A missing archive would be made in the background.
    environment = {
        "SPARK_CONF_DIR": str(directory),
        "PATH": os.environ["PATH"],
        VARIABLE: Mode.OFF,
    }
    return put_together(divide(words, {}), LogSettings(log_dir=directory / "logs"), environment)


def value_of(option: str, command: tuple[str, ...]) -> str:
    return command[command.index(option) + 1]


def test_sparks_options_come_first_and_the_jobs_last(tmp_path: Path, jars: list[str]) -> None:
    words = ("--broker", "a b:1", "--conf", "spark.a=b c", "--trigger", "once", "--name", "x")
    command = submission(tmp_path, *words).command
    assert command[0] == str(SPARK_HOME / "bin" / "spark-submit")
    assert command[1:5] == ("--conf", "spark.a=b c", "--name", "x")
    assert Path(command[-5]).parts[-2:] == ("jobs", "churn_stream.py")
    assert command[-4:] == ("--broker", "a b:1", "--trigger", "once")


def test_a_local_driver_has_the_connector_beside_the_users_own_classes(
    tmp_path: Path, jars: list[str]
) -> None:
    alone = submission(tmp_path).command
    assert value_of("--driver-class-path", alone).split(os.pathsep) == jars
    assert "--jars" not in alone
    (tmp_path / "spark-defaults.conf").write_text("spark.driver.extraClassPath /site/x.jar\n")
    beside = submission(tmp_path).command
    assert value_of("--driver-class-path", beside).split(os.pathsep) == [*jars, "/site/x.jar"]
    typed = submission(tmp_path, "--driver-class-path", "/my/y.jar").command
    # The last one counts.
    assert value_of("--driver-class-path", typed[3:]).split(os.pathsep) == [*jars, "/my/y.jar"]


def test_a_cluster_is_sent_the_connector(tmp_path: Path, jars: list[str]) -> None:
    command = submission(tmp_path, "--master", "spark://host:7077").command
    assert value_of("--jars", command) == ",".join(jars)
    assert "--driver-class-path" not in command


@pytest.mark.parametrize("option", ["--jars", "--packages"])
def test_the_users_own_list_of_jars_is_left_alone(
    tmp_path: Path, jars: list[str], option: str
) -> None:
    command = submission(tmp_path, option, "mine").command
    assert not any(jars[0] in word for word in command)
    assert value_of(option, command) == "mine"


def test_a_submission_says_which_java_runs_and_what_is_passed_over(
    tmp_path: Path, jars: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    given = {
        "SPARK_CONF_DIR": str(tmp_path),
        "SPARK_REMOTE": "sc://host",
        VARIABLE: Mode.OFF,
    }
    made = put_together(divide([], {}), LogSettings(log_dir=tmp_path), given)
    connect, java = capsys.readouterr().err.splitlines()
    assert connect.startswith("spark-submit.sh: SPARK_REMOTE passed over")
    assert java.startswith("spark-submit.sh: Java ")
    assert "SPARK_REMOTE" not in made.environment
    assert made.environment["CHURN_STREAM_SPARK_LOG"] == "spark"
