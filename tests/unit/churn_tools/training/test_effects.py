"""What a feature does to the score, when it alone is changed."""

from __future__ import annotations

from pathlib import Path

import pytest
from churn_kind import CATEGORICAL_FEATURES, CHURN, NUMERIC_FEATURES
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from churn_tools.training.data import read_customers
from churn_tools.training.fit import TrainedModel
from telco_churn.model.scoring import PROBABILITY, with_probability
from telco_churn.model.spark_ml.pipeline_scorer import PipelineScorer


def test_every_feature_has_an_effect_and_the_known_ones_go_the_known_way(
    trained: TrainedModel,
) -> None:
    effects = trained.manifest.effects
    assert effects is not None
    assert effects.categories.keys() == set(CATEGORICAL_FEATURES)
    assert effects.numbers.keys() == set(NUMERIC_FEATURES)
    assert (
        effects.categories["Contract"]["Month-to-month"]
        > effects.categories["Contract"]["Two year"]
    )
    assert [value for value, _ in effects.numbers["SeniorCitizen"]] == [0.0, 1.0]
    (shortest, new), *_, (longest, old) = effects.numbers["tenure"]
    assert shortest < longest
    assert new > old


def test_an_effect_is_the_mean_score_of_customers_who_all_have_the_value(
    trained: TrainedModel, spark: SparkSession, training_csv: Path
) -> None:
    everybody = read_customers(spark, training_csv, CHURN)
    is_held_out = F.pmod(F.xxhash64("customerID", F.lit(1)), F.lit(5)) == 0
    held_out = everybody.where(is_held_out).withColumn("Contract", F.lit("One year"))
    scored = with_probability(PipelineScorer(trained.pipeline, CHURN.features), held_out)
    (expected,) = scored.agg(F.avg(PROBABILITY)).collect()[0]
    effects = trained.manifest.effects
    assert effects is not None
    assert effects.categories["Contract"]["One year"] == pytest.approx(expected, rel=1e-9)
