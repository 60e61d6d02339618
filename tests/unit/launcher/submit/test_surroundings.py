from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from launcher.java import choose_java
from launcher.spark import SPARK_HOME, spark_version
from launcher.submit.division import divide
from launcher.submit.spark_settings import read_spark_settings
from launcher.submit.surroundings import (
    CALLERS_PYTHONPATH,
    check_classic_api,
    check_deploy_mode,
    passed_over,
    prepared_environment,
    python_options,
    user_variables,
    with_conf_dir,
)
from telco_churn.errors import SettingsError

MODE = "spark.submit.deployMode=cluster"


@pytest.fixture
def another_spark(tmp_path: Path) -> Path:
    python = tmp_path / "spark-3.5" / "python"
    (python / "pyspark").mkdir(parents=True)
    return python


def prepared(*words: str, **environment: str) -> dict[str, str]:
    spark = read_spark_settings(divide(words, {}), with_conf_dir(environment))
    return prepared_environment(environment, spark, choose_java({}))


def test_our_environment_wins_over_that_of_another_spark(another_spark: Path) -> None:
    mine = another_spark.parent / "my modules"
    callers = f"{another_spark}:{another_spark}/lib/py4j-0.10.9-src.zip::{mine}"
    environment = {CALLERS_PYTHONPATH: callers, "SPARK_HOME": str(another_spark.parent), "A": "b"}
    result = prepared(**environment)
    assert result["PYTHONPATH"].split(":")[1:] == [str(mine)]
    assert (Path(result["PYTHONPATH"].split(":")[0]) / "telco_churn").is_dir()
    assert result["SPARK_HOME"] == str(SPARK_HOME)
    assert result["A"] == "b"
    assert CALLERS_PYTHONPATH not in result
    (line,) = passed_over(environment)
    assert line.startswith(f"another Spark is passed over ({another_spark.parent}, ")
    assert f"Spark {spark_version()} in {SPARK_HOME} runs" in line


def test_nothing_is_said_of_an_environment_that_is_in_order() -> None:
    fine = {CALLERS_PYTHONPATH: "/my/modules", "SPARK_HOME": str(SPARK_HOME), "SPARK_USER": "ann"}
    assert list(passed_over(fine)) == []
    assert list(passed_over({})) == []


def test_a_variable_that_was_told_as_unknown_is_not_handed_on_to_be_told_again() -> None:
    result = prepared(CHURN_STREAM_TRIGER="once", CHURN_STREAM_TRIGGER="once")
    assert "CHURN_STREAM_TRIGER" not in result
    assert result["CHURN_STREAM_TRIGGER"] == "once"


def test_what_turns_spark_connect_on_is_taken_out_of_the_environment() -> None:
    connect = {
        "SPARK_REMOTE": "sc://host",
        "SPARK_CONNECT_MODE_ENABLED": "1",
        "SPARK_CONNECT_MODE": "1",
        "SPARK_API_MODE": "connect",
        "SPARK_LOCAL_REMOTE": "1",
    }
    assert not connect.keys() & prepared(**connect).keys()
    (line,) = passed_over(connect)
    assert all(name in line for name in connect)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--remote", "sc://host"], "--remote sc://host: the job needs"),
        (["--conf", "spark.remote=local"], "spark.remote local: the job needs"),
        (["--conf", "spark.api.mode=connect"], "spark.api.mode connect: the job needs"),
    ],
)
def test_spark_connect_is_refused_in_one_line(words: list[str], told: str, tmp_path: Path) -> None:
    spark = read_spark_settings(divide(words, {}), {"SPARK_CONF_DIR": str(tmp_path)})
    with pytest.raises(SettingsError, match="--master") as refusal:
        check_classic_api(spark)
    assert str(refusal.value).startswith(told)


def test_the_classic_api_may_be_asked_for(tmp_path: Path) -> None:
    words = ["--conf", "spark.api.mode=classic"]
    check_classic_api(read_spark_settings(divide(words, {}), {"SPARK_CONF_DIR": str(tmp_path)}))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ["--master", "spark://m:7077"],
            "with spark://m:7077: Spark's own clusters take no Python",
        ),
        ([], r"with local\[4,3\], which is this machine; name the cluster"),
    ],
)
@pytest.mark.parametrize("mode", [["--deploy-mode", "cluster"], ["--conf", MODE]])
def test_a_driver_on_a_cluster_that_takes_no_python_is_refused(
    words: list[str], mode: list[str], told: str
) -> None:
    spark = read_spark_settings(divide([*words, *mode], {}), with_conf_dir({}))
    with pytest.raises(SettingsError, match=told):
        check_deploy_mode(spark)


def test_other_drivers_are_not_refused() -> None:
    for words in (["--master", "spark://m:7077"], ["--master", "k8s://m", "--conf", MODE], []):
        check_deploy_mode(read_spark_settings(divide(words, {}), with_conf_dir({})))


def test_only_a_local_driver_is_kept_to_this_machine() -> None:
    assert prepared()["SPARK_LOCAL_IP"] == "127.0.0.1"
    assert prepared(SPARK_LOCAL_IP="10.0.0.1")["SPARK_LOCAL_IP"] == "10.0.0.1"
    assert "SPARK_LOCAL_IP" not in prepared("--master", "spark://host:7077")


def test_a_sites_own_settings_of_spark_stay(tmp_path: Path) -> None:
    assert prepared(SPARK_CONF_DIR=str(tmp_path))["SPARK_CONF_DIR"] == str(tmp_path)
    assert (Path(prepared()["SPARK_CONF_DIR"]) / "spark-defaults.conf").is_file()


def test_the_python_of_a_sites_file_does_not_run_the_job(tmp_path: Path) -> None:
    (tmp_path / "spark-defaults.conf").write_text("spark.pyspark.python /opt/python3.8\n")

    def options(*words: str) -> list[str]:
        environment = {"SPARK_CONF_DIR": str(tmp_path)}
        return python_options(read_spark_settings(divide(words, {}), environment))

    assert options() == ["--conf", f"spark.pyspark.driver.python={sys.executable}"]
    assert options("--conf", "spark.pyspark.python=/my/python") == []
    (tmp_path / "spark-defaults.conf").unlink()
    assert options() == []


@pytest.mark.needs("unshare")
def test_a_user_id_without_a_name_gets_one() -> None:
    lib = Path(__file__).resolve().parents[4] / "lib"
    script = (
        "from launcher.submit.surroundings import user_variables\n"
        "print(user_variables({'SPARK_SUBMIT_OPTS': '-Da=b'}))"
    )
    said = subprocess.run(
        ["unshare", "--user", "--map-user=54321", sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(lib), "TMPDIR": "/tmp"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ast.literal_eval(said.stdout) == {
        "HADOOP_USER_NAME": "uid54321",
        "SPARK_SUBMIT_OPTS": "-Duser.name=uid54321 -Duser.home=/tmp -Da=b",
    }


def test_a_user_id_with_a_name_keeps_that_name() -> None:
    assert user_variables({"HADOOP_USER_NAME": "ann"}) == {}
