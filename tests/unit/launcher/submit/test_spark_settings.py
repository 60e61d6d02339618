from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from launcher.submit.division import divide
from launcher.submit.spark_settings import SparkSettings, read_spark_settings
from stream_telemetry.security.java_properties import properties_in
from telco_churn.errors import SettingsError

ODD = r"""
# a comment
! another
spark.a   b c  
spark.b=c\=d
spark.c : e:f
  spark.d\ e = g
spark.long = one, \
    two
spark.empty
spark.ends = back\\
spark.url   spark://host:7077
"""


@pytest.fixture
def conf_dir(tmp_path: Path) -> Path:
    return tmp_path


def settings(conf_dir: Path, *words: str, **environment: str) -> SparkSettings:
    return read_spark_settings(divide(words, {}), {"SPARK_CONF_DIR": str(conf_dir), **environment})


@pytest.mark.parametrize(
    "words",
    [
        ["--conf", "spark.eventLog.dir=file:///x"],
        ["--jars", "file:///x.jar"],
        ["--repositories", "https://repository.example"],
        ["--conf", "spark.master.rest.enabled=true"],
        ["--master", "local[2]"],
        ["--conf", "spark.master=yarn", "--master", "local"],
        ["--deploy-mode", "client"],
    ],
)
def test_the_driver_is_local_whatever_else_is_set(conf_dir: Path, words: list[str]) -> None:
    assert settings(conf_dir, *words).driver_is_local


@pytest.mark.parametrize(
    "words",
    [
        ["--master", "spark://host:7077"],
        ["--master=yarn"],
        ["--master", "local", "--master", "k8s://https://host"],
        ["--conf", "spark.master=yarn"],
        ["-c", "spark.master=spark://host"],
        ["--deploy-mode", "cluster"],
        ["--conf", "spark.submit.deployMode=cluster"],
    ],
)
def test_the_driver_is_not_local_where_a_master_or_mode_says_so(
    conf_dir: Path, words: list[str]
) -> None:
    assert not settings(conf_dir, *words).driver_is_local


def test_the_master_may_be_set_by_file_or_environment(conf_dir: Path, tmp_path: Path) -> None:
    assert not settings(conf_dir, MASTER="spark://host:7077").driver_is_local
    (conf_dir / "spark-defaults.conf").write_text("spark.master  yarn\n")
    assert not settings(conf_dir).driver_is_local
    assert settings(conf_dir, "--master", "local").driver_is_local
    own = tmp_path / "own.conf"
    own.write_text("spark.master=local[1]\n")
    assert settings(conf_dir, "--properties-file", str(own)).driver_is_local
    own.write_text("spark.a=b\n")
    assert settings(conf_dir, "--properties-file", str(own)).driver_is_local
    both = settings(conf_dir, "--properties-file", str(own), "--load-spark-defaults")
    assert not both.driver_is_local


def test_a_properties_file_that_is_not_there_is_one_line(conf_dir: Path) -> None:
    with pytest.raises(SettingsError, match=r"properties file /nowhere/x cannot be read"):
        settings(conf_dir, "--properties-file", "/nowhere/x")


def test_properties_are_read_as_java_reads_them(spark: SparkSession, tmp_path: Path) -> None:
    file = tmp_path / "odd.conf"
    file.write_text(ODD)
    jvm = spark.sparkContext._jvm
    assert jvm is not None
    properties = jvm.java.util.Properties()
    properties.load(jvm.java.io.FileReader(str(file)))
    expected = {key: properties[key].strip() for key in properties}
    assert {key: value.strip() for key, value in properties_in(ODD).items()} == expected
    assert len(expected) == 8
