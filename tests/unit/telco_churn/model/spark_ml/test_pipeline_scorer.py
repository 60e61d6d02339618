from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from pathlib import Path

import pytest
from churn_kind import FEATURES
from pyspark.ml import PipelineModel
from pyspark.ml.param import Params
from pyspark.sql import DataFrame, SparkSession
from saved_models import pipeline_of

from churn_tools.customers.synthetic import synthetic_customers
from telco_churn.model.scoring import MODEL_PREFIX, PROBABILITY, with_probability
from telco_churn.model.spark_ml.pipeline_scorer import PipelineScorer, restore_pipeline
from telco_churn.model.spark_ml.saved_stages import SavedStage, read_stages

ToFeatures = Callable[[Iterable[Mapping[str, object]]], DataFrame]


@pytest.fixture(scope="module")
def stages(every_kind_saved: Path) -> tuple[SavedStage, ...]:
    return read_stages(pipeline_of(every_kind_saved))


def settings(stage: Params) -> dict[str, str]:
    """Those that Python does not make up anew each time, as text: NaN is not equal to itself."""
    found = {param.name: str(value) for param, value in stage.extractParamMap().items()}
    if stage.hasParam("outputCol") and not stage.isSet("outputCol"):
        found.pop("outputCol", None)
    return found


def test_a_restored_pipeline_computes_what_the_fitted_one_does(
    stages: tuple[SavedStage, ...], every_kind: PipelineModel, to_features: ToFeatures
) -> None:
    customers = to_features(islice(synthetic_customers(seed=8), 100))
    # Every column of every stage, so that no stage's part can be lost in the sum.
    expected = every_kind.transform(customers).collect()
    assert restore_pipeline(stages).transform(customers).collect() == expected


def test_a_restored_stage_has_the_name_and_settings_of_the_saved_one(
    spark: SparkSession, stages: tuple[SavedStage, ...], every_kind_saved: Path
) -> None:
    loaded = PipelineModel.load(f"file://{pipeline_of(every_kind_saved)}")
    restored = restore_pipeline(stages)
    for stage, original in zip(restored.stages, loaded.stages, strict=True):
        assert (type(stage), stage.uid) == (type(original), original.uid)
        assert settings(stage) == settings(original)


def test_a_pipeline_adds_the_probability_and_no_other_column(
    every_kind: PipelineModel, to_features: ToFeatures
) -> None:
    customers = to_features(islice(synthetic_customers(seed=9), 5))
    scored = with_probability(PipelineScorer(every_kind, FEATURES), customers)
    assert scored.columns == [*customers.columns, PROBABILITY]
    assert not [name for name in scored.columns if name.startswith(MODEL_PREFIX)]


def test_a_class_that_nobody_knows_how_to_make_is_no_stage(
    spark: SparkSession, stages: tuple[SavedStage, ...]
) -> None:
    stranger = SavedStage("{}", "org.apache.spark.ml.feature.Word2VecModel", "w", {}, [{"a": 1}])
    with pytest.raises(ValueError, match="Word2VecModel"):
        restore_pipeline([stranger])
