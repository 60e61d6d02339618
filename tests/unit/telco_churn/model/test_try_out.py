from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import pytest
from churn_kind import CATEGORICAL_FEATURES, FEATURES, NUMERIC_FEATURES
from pyspark.errors import PySparkException
from pyspark.ml import PipelineModel
from pyspark.sql import Column, DataFrame, Row, SparkSession
from pyspark.sql import functions as F
from saved_models import SHIPPED

from stream_telemetry.run.causes import root_cause
from telco_churn.errors import ModelError
from telco_churn.model.compiled_score import compile_stages
from telco_churn.model.features import Features
from telco_churn.model.manifest import read_manifest
from telco_churn.model.scoring import PROBABILITY
from telco_churn.model.spark_ml.pipeline_scorer import PipelineScorer
from telco_churn.model.spark_ml.saved_stages import read_stages
from telco_churn.model.try_out import MadeUpEvents, try_out

KNOWN = {"gender": ["Male", "Fem\"a'le\n?"], "Contract": ["One year"]}
EVENTS = MadeUpEvents(FEATURES, KNOWN)


@dataclass
class Rule:
    """A scorer made by hand; keeps the customers that it was asked about."""

    score: Callable[[DataFrame], DataFrame]
    asked: list[Row] = field(default_factory=list)
    features: Features = FEATURES

    def select_scored(
        self,
        customers: DataFrame,
        features: Mapping[str, Column],
        before: Sequence[Column],
        after: Sequence[Column],
        name: str = PROBABILITY,
    ) -> DataFrame:
        self.asked = customers.collect()
        return self.score(customers.select(*before))

    def probability_col(self, features: Mapping[str, Column]) -> None:
        """None: it scores rows, whatever it makes of them."""


def half(features: DataFrame) -> DataFrame:
    return features.withColumn(PROBABILITY, F.lit(0.5))


def refusal(score: Callable[[DataFrame], DataFrame]) -> str:
    with pytest.raises(ModelError) as error:
        try_out(Rule(score), EVENTS)
    return str(error.value)


def test_the_compiled_score_of_the_shipped_model_passes(spark: SparkSession) -> None:
    compiled = compile_stages(read_stages(SHIPPED / "pipeline"), FEATURES)
    assert compiled is not None
    known = read_manifest(SHIPPED).training_distribution.categories
    try_out(compiled, MadeUpEvents(FEATURES, known))


def test_a_pipeline_whose_stages_keep_everything_passes(every_kind: PipelineModel) -> None:
    try_out(PipelineScorer(every_kind, FEATURES), EVENTS)


def test_every_oddity_of_every_feature_is_tried(spark: SparkSession) -> None:
    rule = Rule(half)
    try_out(rule, EVENTS)
    for name in CATEGORICAL_FEATURES:
        asked = {customer[name] for customer in rule.asked}
        assert {None, "never seen", *KNOWN.get(name, ())} <= asked
    for name in NUMERIC_FEATURES:
        asked = {str(customer[name]) for customer in rule.asked}
        assert {"None", "nan", "inf", "-inf", "0.0"} <= asked


def test_no_spark_job_runs(spark: SparkSession) -> None:
    def jobs() -> int:
        return int(spark.sparkContext._jsc.sc().statusStore().jobsList(None).size())

    before = jobs()
    try_out(Rule(half), EVENTS)
    assert jobs() == before


@pytest.mark.parametrize(
    ("dropped", "said"),
    [
        ("Contract IS NULL", "Contract null"),
        ("gender = 'never seen'", 'gender "never seen"'),
        ("gender LIKE 'Fem%'", 'gender "Fem\\"a\'le\\n?"'),
        ("isnan(tenure)", "tenure NaN"),
        ("TotalCharges = double('-Infinity')", "TotalCharges -Infinity"),
    ],
)
def test_a_row_that_is_dropped_is_found_and_named(
    spark: SparkSession, dropped: str, said: str
) -> None:
    message = refusal(lambda features: half(features).where(f"NOT coalesce({dropped}, false)"))
    assert f"an event with {said} comes out as 0 rows instead of one" in message


def test_a_row_that_comes_out_twice_is_found(spark: SparkSession) -> None:
    message = refusal(lambda features: half(features).unionAll(half(features)))
    assert "comes out as 2 rows" in message


@pytest.mark.parametrize("score", ["-0.1", "1.1", "double('Infinity')"])
def test_a_score_that_is_no_probability_is_found(spark: SparkSession, score: str) -> None:
    odd = F.expr(f"if(SeniorCitizen IS NULL, {score}, 0.5)")
    message = refusal(lambda features: features.withColumn(PROBABILITY, odd))
    assert "an event with SeniorCitizen null gets " in message
    assert "which is no probability" in message


@pytest.mark.parametrize("score", ["double('NaN')", "double(NULL)"])
def test_a_model_that_never_gives_a_probability_is_found(spark: SparkSession, score: str) -> None:
    message = refusal(lambda features: features.withColumn(PROBABILITY, F.expr(score)))
    assert message == "no event gets a probability"


@pytest.mark.parametrize(
    ("case", "said"),
    [("Contract = 'One year'", 'Contract "One year"'), ("gender LIKE 'Fem%'", 'gender "Fem')],
)
def test_a_customer_who_lacks_nothing_and_gets_no_probability_is_found(
    spark: SparkSession, case: str, said: str
) -> None:
    odd = F.expr(f"if({case} AND tenure = 0, null, 0.5)")
    message = refusal(lambda features: features.withColumn(PROBABILITY, odd))
    assert message.endswith(" gets no probability, though it lacks nothing")
    assert said in refusal(lambda features: features.withColumn(PROBABILITY, odd))


def test_what_throws_is_told_as_spark_tells_it(spark: SparkSession) -> None:
    thrown = F.expr("if(MonthlyCharges IS NULL, raise_error('nothing to pay'), 0.5)")
    with pytest.raises(PySparkException) as error:
        try_out(Rule(lambda features: features.withColumn(PROBABILITY, thrown)), EVENTS)
    assert "nothing to pay" in root_cause(error.value).message
