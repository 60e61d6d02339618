"""Models that are whole, and still not fit for the job, or not yet."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from pathlib import Path

import pytest
from churn_kind import FEATURES
from pyspark.ml import PipelineModel
from pyspark.ml.classification import DecisionTreeClassifier, LogisticRegression
from pyspark.ml.feature import StandardScaler, StandardScalerModel
from pyspark.ml.linalg import Vectors
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from saved_models import (
    SHIPPED,
    change_setting,
    copy_of,
    metadata_of,
    rewrite_as_if_listed,
    save_with_shipped_manifest,
)

from churn_tools.customers.synthetic import synthetic_customers
from churn_tools.training.data import LABEL
from churn_tools.training.fit import pipeline_estimator
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
    uid = change_setting(copy_of_every_kind, "Bucketizer", splits=[0.0, 12.0, 100.0])
    message = refusal(copy_of_every_kind)
    assert f"stage {uid}: " in message
    assert "out of Bucketizer bounds [0.0, 100.0]" in message


def test_a_stage_that_makes_every_number_nan_is_named(
    every_kind: PipelineModel, spark: SparkSession, tmp_path: Path
) -> None:
    (scaler,) = (stage for stage in every_kind.stages if isinstance(stage, StandardScalerModel))
    place = every_kind.stages.index(scaler)
    infinite = spark.createDataFrame(
        [(Vectors.dense([math.inf] * 5),), (Vectors.dense([1.0] * 5),)], [scaler.getInputCol()]
    )
    spoilt = StandardScaler(
        inputCol=scaler.getInputCol(), outputCol=scaler.getOutputCol(), withMean=True
    ).fit(infinite)
    stages = [*every_kind.stages[:place], spoilt, *every_kind.stages[place + 1 :]]
    path = save_with_shipped_manifest(PipelineModel(stages), tmp_path / "spoilt")
    message = refusal(path)
    assert f"cannot be used: stage {spoilt.uid}: no event gets a probability" in message


def test_a_probability_may_have_any_name(copy_of_every_kind: Path, copy: Path) -> None:
    for path in (copy_of_every_kind, copy):
        change_setting(path, "LogisticRegression", probabilityCol="chance")
        load_model(path)


def test_a_model_without_probabilities_is_refused(copy: Path) -> None:
    uid = change_setting(copy, "LogisticRegression", probabilityCol="")
    assert f"no stage gives a probability (stage {uid}, the last, gives none)" in refusal(copy)


def test_a_model_of_three_classes_is_refused(
    to_features: Callable[[Iterable[Mapping[str, object]]], DataFrame], tmp_path: Path
) -> None:
    customers = to_features(islice(synthetic_customers(seed=6), 60))
    labelled = customers.withColumn(LABEL, F.pmod(F.ceil("tenure"), F.lit(3)).cast("double"))
    for classifier in (LogisticRegression(maxIter=2), DecisionTreeClassifier(maxDepth=2)):
        fitted = pipeline_estimator(FEATURES, classifier).fit(labelled)
        path = save_with_shipped_manifest(fitted, tmp_path / classifier.uid)
        told = f"cannot be used: stage {fitted.stages[-1].uid} tells 3 classes apart; two are"
        assert told in refusal(path)


def test_a_number_that_was_indexed_as_text_is_refused_before_every_value_is_unknown(
    copy: Path,
) -> None:
    source = metadata_of(copy, "StringIndexer")
    rewrite_as_if_listed(copy, source, source.read_text().replace('"gender"', '"SeniorCitizen"'))
    message = refusal(copy)
    assert "knows SeniorCitizen as 'Female', 'Male', but it is a DOUBLE here" in message


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
