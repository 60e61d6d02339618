"""What can be said of the image without building it, and its entry on a made-up tree."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from deploy.dockerfile import copied, environment, instructions
from deploy.manifests import the, words
from sources import HOME

from launcher.cache.class_archive import VARIABLE, Mode
from launcher.cache.connector import connector_jars
from launcher.spark import SPARK_HOME, spark_jars
from sandbox.locks.locked_packages import lock_file
from telco_churn.settings.resolve import read_settings

ENTRY = HOME / "deploy" / "entry.sh"
IN_IMAGE = "/opt/churn-stream"
SPARK_IN_POD = {
    "SPARK_CONF_DIR": "/opt/spark/conf",
    "SPARK_DRIVER_BIND_ADDRESS": "10.0.0.7",
    "SPARK_DRIVER_URL": "spark://driver:7078",
    "SPARK_EXECUTOR_ID": "3",
    "SPARK_EXECUTOR_CORES": "2",
    "SPARK_EXECUTOR_MEMORY": "1024m",
    "SPARK_APPLICATION_ID": "spark-1",
    "SPARK_EXECUTOR_POD_IP": "10.0.0.8",
    "SPARK_EXECUTOR_POD_NAME": "churn-exec-3",
    "SPARK_RESOURCE_PROFILE_ID": "0",
    "SPARK_JAVA_OPT_0": "-Dfirst=a b",
    "SPARK_JAVA_OPT_1": "-Dsecond=*",
}
"""What Spark sets in the pods that it makes."""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A tree like the image's, whose programs print their arguments, one a line."""
    home = tmp_path / "churn stream"
    spark = home / ".venv" / "lib" / "python3.11" / "site-packages" / "pyspark"
    for program in ("spark-submit.sh", ".venv/bin/java", spark / "bin" / "spark-submit"):
        path = home / program
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'#!/bin/sh\nprintf "%s\\n" {path.name} "$@"\nenv | sort >&2\n')
        path.chmod(0o755)
    (home / ".cache" / "spark-sql-kafka-9.9.9").mkdir(parents=True)
    (home / "deploy").mkdir()
    shutil.copy(ENTRY, home / "deploy")
    return home


def started(tree: Path, *arguments: str) -> tuple[list[str], dict[str, str]]:
    """What the entry becomes: the words of the program, and its environment."""
    told = subprocess.run(
        [tree / "deploy" / "entry.sh", *arguments],
        env={"PATH": os.defpath, "SANDBOX_CACHE": str(tree / ".cache"), **SPARK_IN_POD},
        capture_output=True,
        text=True,
    )
    assert told.returncode == 0, told.stderr
    return told.stdout.splitlines(), dict(line.split("=", 1) for line in told.stderr.splitlines())


def test_options_go_to_the_job(tree: Path) -> None:
    assert started(tree, "--trigger", "once a b")[0] == ["spark-submit.sh", "--trigger", "once a b"]
    assert started(tree)[0] == ["spark-submit.sh"]


def test_a_driver_is_submitted_as_spark_asks(tree: Path) -> None:
    given = [
        "--properties-file",
        "/opt/spark/conf/spark.properties",
        "local:///x y.py",
        "--broker",
        "b",
    ]
    program, *options = started(tree, "driver", *given)[0]
    address = "spark.driver.bindAddress=10.0.0.7"
    assert program == "spark-submit"
    assert options == ["--conf", address, "--deploy-mode", "client", *given]


@pytest.mark.parametrize("role", ["driver", "executor"])
def test_both_have_the_connector_and_the_image_s_python(tree: Path, role: str) -> None:
    _, environment = started(tree, role)
    assert environment["SPARK_DIST_CLASSPATH"] == f"{tree}/.cache/spark-sql-kafka-9.9.9/*"
    assert environment["PYSPARK_PYTHON"] == f"{tree}/.venv/bin/python"
    assert environment["SPARK_HOME"] == f"{tree}/.venv/lib/python3.11/site-packages/pyspark"


def test_an_executor_gets_what_spark_has_set(tree: Path) -> None:
    lines, _ = started(tree, "executor")
    spark = f"{tree}/.venv/lib/python3.11/site-packages/pyspark"
    jars = f"/opt/spark/conf:{spark}/jars/*:{tree}/.cache/spark-sql-kafka-9.9.9/*"
    memory = ["-Xms1024m", "-Xmx1024m"]
    assert lines[:7] == ["java", "-Dfirst=a b", "-Dsecond=*", *memory, "-cp", jars]
    main, *options = lines[7:]
    (archive,) = spark_jars("spark-kubernetes_2.13")
    with zipfile.ZipFile(archive) as jar:
        assert f"{main.replace('.', '/')}.class" in jar.namelist()
        parser = jar.read(f"{main.replace('.', '/')}$.class")
    given = dict(zip(options[::2], options[1::2], strict=True))
    assert given["--podName"] == "churn-exec-3"
    assert len(given) == 7
    # The words that Spark's own parser of these knows.
    assert [name for name in given if name.encode() not in parser] == []


def test_the_connector_is_where_the_entry_looks_for_it() -> None:
    assert {Path(jar).parent.name.rpartition("-")[0] for jar in connector_jars().split(",")} == {
        "spark-sql-kafka"
    }
    assert (SPARK_HOME / "bin" / "spark-submit").is_file()


def test_what_is_copied_into_the_image_is_there_and_is_enough() -> None:
    there = {source for source, _ in copied()}
    assert {source for source in there if not (HOME / source).exists()} == set()
    needed = {"conf", "jobs", "lib", "models", "setup.cfg", "spark-submit.sh", "deploy/entry.sh"}
    assert needed <= there
    assert {lock_file(extra).name for extra in ("", "build", "java")} <= there
    # pip asks for the page that setup.cfg names.
    described = re.findall(r"^\w+ = file: (\S+)", (HOME / "setup.cfg").read_text("utf-8"), re.M)
    assert described
    assert set(described) <= there


def test_the_image_runs_as_nobody_in_particular() -> None:
    last = {instruction.name: instruction for instruction in instructions()}
    assert last["USER"].text == "65534:65534"
    names = [instruction.name for instruction in instructions()]
    assert "COPY" not in names[names.index("USER") :]
    program, separator, entry = last["ENTRYPOINT"].words
    assert (program, separator) == ("tini", "--")
    assert HOME / Path(entry).relative_to(IN_IMAGE) == ENTRY
    assert os.access(ENTRY, os.X_OK)


def test_the_image_has_nothing_that_compiles() -> None:
    installed = " ".join(i.text for i in instructions() if i.name == "RUN" and "apt-get" in i.text)
    assert re.findall(r"recommends (\S+)", installed) == ["tini"]
    assert all("slim" in i.text or "base" in i.text for i in instructions() if i.name == "FROM")


def test_the_image_s_variables_are_the_job_s() -> None:
    variables = environment()
    settings = read_settings([], variables)
    assert str(settings.log.log_dir) == "-"
    assert settings.run_log.run_log_dir is None
    assert variables[VARIABLE] == Mode.USE
    assert variables["SANDBOX_CACHE"].startswith(f"{IN_IMAGE}/")


def test_the_operator_starts_what_is_in_the_image() -> None:
    spec = the("spark-application.yaml", "SparkApplication")["spec"]
    assert spec["mainApplicationFile"].startswith(f"local://{IN_IMAGE}/jobs/")
    assert "--log-dir" not in words()["driver"], "the image's variables say where lines go"
