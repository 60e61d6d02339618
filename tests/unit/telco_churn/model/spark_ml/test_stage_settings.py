from __future__ import annotations

import json
from pathlib import Path

import pytest
from churn_kind import FEATURES
from pyspark.sql import SparkSession
from saved_models import SHIPPED, change_setting, copy_of, metadata_of, pipeline_of

from telco_churn.errors import ModelError
from telco_churn.model.spark_ml.saved_stages import read_stages
from telco_churn.model.spark_ml.stage_settings import check_settings


def test_every_stage_of_the_shipped_model_keeps_what_it_does_not_know(spark: SparkSession) -> None:
    check_settings(read_stages(SHIPPED / "pipeline"), FEATURES)


@pytest.mark.parametrize(
    ("setting", "what_it_does"),
    [("skip", "drops rows silently"), ("error", "ends the query")],
)
@pytest.mark.parametrize(
    "stage", ["StringIndexer", "OneHotEncoder", "Bucketizer", "7_VectorAssembler"]
)
def test_a_stage_that_skips_or_throws_is_named_with_its_setting(
    spark: SparkSession,
    every_kind_saved: Path,
    tmp_path: Path,
    stage: str,
    setting: str,
    what_it_does: str,
) -> None:
    model = copy_of(every_kind_saved, tmp_path / "model")
    uid = change_setting(model, stage, handleInvalid=setting)
    with pytest.raises(ModelError) as refusal:
        check_settings(read_stages(pipeline_of(model)), FEATURES)
    assert f"stage {uid}: handleInvalid is '{setting}'" in str(refusal.value)
    assert what_it_does in str(refusal.value)
    assert "set 'keep'" in str(refusal.value)


def test_the_default_of_a_setting_counts(
    spark: SparkSession, every_kind_saved: Path, tmp_path: Path
) -> None:
    model = copy_of(every_kind_saved, tmp_path / "model")
    source = metadata_of(model, "Bucketizer")
    metadata = json.loads(source.read_text())
    del metadata["paramMap"]["handleInvalid"]
    source.write_text(json.dumps(metadata))
    with pytest.raises(ModelError, match="handleInvalid is 'error'"):
        check_settings(read_stages(pipeline_of(model)), FEATURES)


@pytest.mark.parametrize(
    ("stage", "setting", "columns"),
    [
        ("StringIndexer", "inputCols", ["gender", "sex"]),
        ("Bucketizer", "inputCol", "sex"),
        ("LogisticRegression", "featuresCol", "sex"),
    ],
)
def test_a_column_that_nobody_has_is_named_with_the_stage_that_reads_it(
    spark: SparkSession,
    every_kind_saved: Path,
    tmp_path: Path,
    stage: str,
    setting: str,
    columns: object,
) -> None:
    model = copy_of(every_kind_saved, tmp_path / "model")
    uid = change_setting(model, stage, **{setting: columns})
    with pytest.raises(ModelError, match=f"stage {uid} reads the column 'sex'.*gender, Partner"):
        check_settings(read_stages(pipeline_of(model)), FEATURES)
