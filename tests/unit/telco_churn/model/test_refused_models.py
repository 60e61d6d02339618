"""Models that are whole, and still not fit for the job, or not yet."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from saved_models import (
    SHIPPED,
    change_setting,
    copy_of,
    metadata_of,
    rewrite_as_if_listed,
)

from telco_churn.errors import ModelError
from telco_churn.model.loading import load_model
from telco_churn.model.spark_ml.pipeline_scorer import PipelineScorer
from telco_churn.query.preflight import warn_if_slow


@pytest.fixture
def copy(spark: SparkSession, tmp_path: Path) -> Path:
    return copy_of(SHIPPED, tmp_path / "churn")


@pytest.fixture
def copy_of_every_kind(every_kind_saved: Path, tmp_path: Path) -> Path:
    return copy_of(every_kind_saved, tmp_path / "every_kind")


def refusal(path: Path) -> str:
    with pytest.raises(ModelError) as caught:
        load_model(path)
    message = str(caught.value)
    assert message.startswith(f"model {path} (version 20261122T155842Z, saved by Spark 4.2.0) ")
    assert "\n" not in message
    assert "An error occurred while calling" not in message
    return message


def test_a_model_of_other_columns_is_refused_with_the_column(copy: Path) -> None:
    source = metadata_of(copy, "StringIndexer")
    rewrite_as_if_listed(copy, source, source.read_text().replace('"gender"', '"sex"'))
    assert "reads the column 'sex'" in refusal(copy)


def test_a_file_that_cannot_be_read_is_named_with_javas_own_reason(copy: Path) -> None:
    victim = next(copy.glob("pipeline/stages/*LogisticRegression*/data/*.parquet"))
    rewrite_as_if_listed(copy, victim, "this is not parquet")
    message = refusal(copy)
    assert f"{victim} is not a Parquet file" in message


def test_a_stage_that_lost_its_fit_is_named(copy: Path) -> None:
    source = metadata_of(copy, "OneHotEncoder")
    other = next(copy.glob("pipeline/stages/*StringIndexer*/data/*.parquet"))
    victim = next(source.parent.parent.glob("data/*.parquet"))
    rewrite_as_if_listed(copy, victim, other.read_bytes())
    assert "categorySizes" in refusal(copy)


@pytest.mark.parametrize(
    ("setting", "said"),
    [("skip", "which drops rows silently; set 'keep'"), ("error", "which ends the query at the")],
)
def test_a_stage_that_is_set_to_skip_or_throw_is_refused(
    copy: Path, setting: str, said: str
) -> None:
    uid = change_setting(copy, "StringIndexer", handleInvalid=setting)
    message = refusal(copy)
    assert f"cannot be used: stage {uid}: handleInvalid is '{setting}', {said}" in message


def test_bounds_that_no_setting_tells_of_are_found_by_trying(copy_of_every_kind: Path) -> None:
    change_setting(copy_of_every_kind, "Bucketizer", splits=[0.0, 12.0, 100.0])
    message = refusal(copy_of_every_kind)
    assert "out of Bucketizer bounds [0.0, 100.0]" in message


def test_a_probability_under_another_name_is_refused(copy_of_every_kind: Path) -> None:
    change_setting(copy_of_every_kind, "LogisticRegression", probabilityCol="chance")
    assert "_model_probability" in refusal(copy_of_every_kind)


def test_a_model_that_is_fit_but_not_compiled_scores_by_its_stages_and_the_log_says_so(
    copy_of_every_kind: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model = load_model(copy_of_every_kind)
    warn_if_slow(model)
    assert isinstance(model.scorer, PipelineScorer)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert f"model {model.manifest.version} is scored by its Spark ML stages" in caplog.text


def test_no_spark_job_runs_for_either_kind(spark: SparkSession, copy_of_every_kind: Path) -> None:
    def jobs() -> int:
        return int(spark.sparkContext._jsc.sc().statusStore().jobsList(None).size())

    before = jobs()
    load_model(SHIPPED)
    load_model(copy_of_every_kind)
    assert jobs() == before
