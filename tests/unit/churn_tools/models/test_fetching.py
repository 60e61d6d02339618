"""Where a model may lie: paths, file systems that Hadoop knows, and wrappings of other tools."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pyspark.ml.classification import LogisticRegression
from pyspark.ml.evaluation import BinaryClassificationEvaluator
from pyspark.ml.linalg import Vectors
from pyspark.ml.tuning import ParamGridBuilder, TrainValidationSplit
from pyspark.sql import SparkSession
from saved_models import SHIPPED

from churn_tools.models.fetching import fetch, pipeline_in, shown
from telco_churn.errors import ModelError, SettingsError
from telco_churn.model.trust.private_copy import private_copy


def files(directory: Path) -> dict[str, bytes]:
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file()
    }


def test_a_path_is_taken_as_it_is(tmp_path: Path) -> None:
    assert fetch(str(tmp_path), tmp_path / "scratch") == tmp_path


def test_a_file_uri_is_a_path_too(tmp_path: Path) -> None:
    odd = tmp_path / "my models, 50%20 ü"
    odd.mkdir()
    assert fetch(odd.as_uri(), tmp_path / "scratch") == odd


def test_another_uri_is_left_to_hadoop_and_its_files_can_be_read(
    spark: SparkSession, tmp_path: Path
) -> None:
    system: Any = spark.sparkContext._jvm.java.lang.System  # type: ignore[union-attr]
    link = "spark.hadoop.fs.viewfs.mounttable.registry.link./models"
    system.setProperty(link, f"file://{SHIPPED.parent}")
    with private_copy(fetch("viewfs://registry/models/churn", tmp_path), lambda _: True) as copy:
        assert files(copy) == files(SHIPPED)
    system.clearProperty(link)


@pytest.mark.parametrize("location", ["no/such/model", "file:///no/such/model"])
def test_what_is_not_there_is_one_line(tmp_path: Path, location: str) -> None:
    with pytest.raises(ModelError, match=f"^{location} is not a directory; name one"):
        fetch(location, tmp_path)


def test_a_uri_of_another_machines_disk_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"^file://host/model names a file of "):
        fetch("file://host/model", tmp_path)


def test_mlflow_that_is_not_installed_is_said_with_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("churn_tools.models.fetching.find_spec", lambda name: None)
    with pytest.raises(SettingsError, match=r"models:/churn@champion needs MLflow's client"):
        fetch("models:/churn@champion", tmp_path)


def test_a_login_is_not_shown_and_an_alias_is() -> None:
    assert shown("s3a://key:secret@bucket/model") == "s3a://***@bucket/model"
    assert shown("models:/churn@champion") == "models:/churn@champion"


def test_the_pipeline_is_found_in_a_model_of_ours_and_of_mlflow(tmp_path: Path) -> None:
    assert pipeline_in(SHIPPED) == SHIPPED / "pipeline"
    (tmp_path / "MLmodel").touch()
    assert pipeline_in(tmp_path) == tmp_path / "sparkml"


# pyspark leaves the threads of its search to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_the_best_model_of_a_search_is_found(spark: SparkSession, tmp_path: Path) -> None:
    rows = [(Vectors.dense([float(n)]), float(n % 3 == 0)) for n in range(12)]
    found = TrainValidationSplit(
        estimator=LogisticRegression(maxIter=1),
        estimatorParamMaps=ParamGridBuilder().build(),
        evaluator=BinaryClassificationEvaluator(),
        seed=1,
    ).fit(spark.createDataFrame(rows, ["features", "label"]))
    found.write().save(f"file://{tmp_path / 'search'}")
    best = pipeline_in(tmp_path / "search")
    (source,) = best.glob("metadata/part-*")
    assert json.loads(source.read_text())["class"].endswith("LogisticRegressionModel")
    assert pipeline_in(best) == best
