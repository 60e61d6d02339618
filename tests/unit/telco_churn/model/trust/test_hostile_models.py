"""Models that Spark itself has saved, made to run something, or to be more than they seem."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from pyspark.ml import PipelineModel, Transformer
from pyspark.ml.feature import SQLTransformer
from pyspark.sql import SparkSession
from saved_models import (
    SHIPPED,
    copy_of,
    metadata_of,
    pipeline_of,
    rewrite_as_if_listed,
    save_with_shipped_manifest,
)

from telco_churn.errors import ModelError
from telco_churn.model import loading
from telco_churn.model.compiled_score import CompiledScorer
from telco_churn.model.loading import load_model
from telco_churn.model.manifest import Manifest
from telco_churn.model.spark_ml import table_limits

HOSTILE_STAGE = """
from pathlib import Path

from pyspark.ml import Transformer
from pyspark.ml.util import DefaultParamsReadable, DefaultParamsWritable

Path(__file__).with_suffix(".ran").touch()


class Hostile(Transformer, DefaultParamsReadable, DefaultParamsWritable):
    def _transform(self, dataset):
        return dataset
"""
# Spark lets SQL call any method of Java.
HOSTILE_SQL = "java_method('java.lang.System', 'setProperty', 'hostile', 'ran')"


def refusal(model: Path) -> str:
    with pytest.raises(ModelError) as caught:
        load_model(model)
    assert caught.value.exit_code == 3
    assert "\n" not in str(caught.value)
    return str(caught.value)


def nested(stage: Transformer, depth: int) -> PipelineModel:
    pipeline = PipelineModel([stage])
    for _ in range(depth):
        pipeline = PipelineModel([pipeline])
    return pipeline


def claim_to_be_javas(model: Path) -> None:
    """Lets a pipeline that pyspark has saved, because of another in it, be one of Spark's own."""
    for path in pipeline_of(model).glob("**/metadata/part-*"):
        claimed = path.read_text().replace("pyspark.ml.pipeline.", "org.apache.spark.ml.")
        rewrite_as_if_listed(model, path, claimed)


@pytest.mark.parametrize("depth", [0, 1, 3])
def test_sql_in_a_pipeline_within_a_pipeline_is_found_and_does_not_run(
    spark: SparkSession, tmp_path: Path, depth: int
) -> None:
    stage = SQLTransformer(statement=f"SELECT *, {HOSTILE_SQL} AS x FROM __THIS__")
    model = save_with_shipped_manifest(nested(stage, depth), tmp_path / "model")
    claim_to_be_javas(model)
    said = refusal(model)
    assert "names the class 'org.apache.spark.ml.feature.SQLTransformer'" in said
    jvm = spark.sparkContext._jvm
    assert jvm is not None
    assert jvm.java.lang.System.getProperty("hostile") is None


def test_a_stage_that_is_written_in_python_is_refused_and_not_imported(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "hostile_stage.py"
    source.write_text(HOSTILE_STAGE)
    monkeypatch.syspath_prepend(tmp_path)
    pipeline = nested(importlib.import_module("hostile_stage").Hostile(), 1)
    model = save_with_shipped_manifest(pipeline, tmp_path / "model")
    source.with_suffix(".ran").unlink()
    del sys.modules["hostile_stage"]
    assert "names the class 'pyspark.ml.pipeline.PipelineModel'" in refusal(model)
    claim_to_be_javas(model)
    assert "names the class 'hostile_stage.Hostile'" in refusal(model)
    assert "hostile_stage" not in sys.modules
    assert not source.with_suffix(".ran").exists()


def table(spark: SparkSession, query: str, directory: Path) -> Path:
    """A file of parquet, as Spark writes it."""
    spark.sql(query).coalesce(1).write.parquet(str(directory))
    (found,) = directory.glob("part-*.parquet")
    return found


@pytest.mark.parametrize(
    ("limit", "query", "said"),
    [
        ("MOST_VALUES", "SELECT 0 AS x FROM range(200000)", "100,000 values"),
        ("MOST_BYTES", "SELECT repeat('a', 2000000) AS x", "100,000 bytes, unpacked"),
        (
            "MOST_TEXT",
            "SELECT array(array_repeat(repeat('a', 1000), 1000)) AS labelsArray",
            "100,000 characters",
        ),
    ],
)
def test_a_small_file_that_is_large_once_it_is_read_is_refused(
    spark: SparkSession,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    limit: str,
    query: str,
    said: str,
) -> None:
    model = copy_of(SHIPPED, tmp_path / "model")
    bomb = table(spark, query, tmp_path / "bomb")
    assert bomb.stat().st_size < 100_000
    victim = next(model.glob("pipeline/stages/*StringIndexer*/data/*.parquet"))
    rewrite_as_if_listed(model, victim, bomb.read_bytes())
    monkeypatch.setattr(table_limits, limit, 100_000)
    assert f"more than {said}" in refusal(model)


def test_what_is_loaded_is_what_was_hashed(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = copy_of(SHIPPED, tmp_path / "model")
    usual: Callable[[Path, Manifest], None] = loading.verify_files

    def verified_then_changed(path: Path, manifest: Manifest) -> None:
        usual(path, manifest)
        for name in ("StringIndexer", "LogisticRegression"):
            next(model.glob(f"pipeline/stages/*{name}*/data/*.parquet")).write_bytes(b"changed")
        source = metadata_of(model, "VectorAssembler")
        source.write_text(source.read_text().replace("VectorAssembler", "SQLTransformer"))

    monkeypatch.setattr(loading, "verify_files", verified_then_changed)
    loaded = load_model(model)
    assert loaded.scorer == load_model(SHIPPED).scorer
    assert isinstance(loaded.scorer, CompiledScorer)
