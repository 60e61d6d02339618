from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from itertools import islice
from pathlib import Path

import pytest
from churn_kind import CATEGORICAL_FEATURES, CHURN, FEATURES, NUMERIC_FEATURES
from odd_customers import Customer, is_same, odd_customers
from pyspark.ml import PipelineModel
from pyspark.ml.classification import LogisticRegression
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from churn_tools.customers.synthetic import synthetic_customers
from churn_tools.producer.source import synthetic_events, to_records
from churn_tools.training.data import LABEL
from churn_tools.training.fit import pipeline_estimator
from telco_churn.contract.parser import EventParser
from telco_churn.model.compiled_score import CompiledScorer, compile_stages
from telco_churn.model.features import Features
from telco_churn.model.loading import Model
from telco_churn.model.manifest import PIPELINE_NAME, read_manifest
from telco_churn.model.scoring import (
    CLASS_PROBABILITIES,
    MODEL_PREFIX,
    PROBABILITY,
    Scorer,
    with_probability,
)
from telco_churn.model.spark_ml.pipeline_scorer import PipelineScorer
from telco_churn.model.spark_ml.saved_stages import SavedStage, read_stages
from telco_churn.outcome.counted import make_observation
from telco_churn.outcome.routing import Routes
from telco_churn.paths import project_home
from telco_churn.pipeline import ChurnPipeline

Stages = tuple[SavedStage, ...]
ToFeatures = Callable[[Iterable[Mapping[str, object]]], DataFrame]
Written = tuple[bytes, str, dict[str, object]]  # key, topic, what the value holds

SHIPPED = project_home() / "models/churn"
KAFKA_COLUMNS = (
    "key BINARY, value BINARY, topic STRING, partition INT, offset BIGINT, timestamp TIMESTAMP, "
    "headers ARRAY<STRUCT<key: STRING, value: BINARY>>"
)


@pytest.fixture(scope="module")
def pipeline(spark: SparkSession) -> PipelineModel:
    return PipelineModel.load(f"file://{SHIPPED / PIPELINE_NAME}")


@pytest.fixture(scope="module")
def stages(spark: SparkSession) -> Stages:
    return read_stages(SHIPPED / PIPELINE_NAME)


@pytest.fixture(scope="module")
def compiled(stages: Stages) -> CompiledScorer:
    scorer = compile_stages(stages, FEATURES)
    assert scorer is not None
    return scorer


def test_the_compiled_score_is_that_of_the_stages(
    compiled: CompiledScorer, pipeline: PipelineModel, to_features: ToFeatures
) -> None:
    usual = list(islice(synthetic_customers(seed=2), 2_000))
    nobody: Customer = {
        **dict.fromkeys(CATEGORICAL_FEATURES),
        **dict.fromkeys(NUMERIC_FEATURES, 0.0),
    }
    features = to_features([*usual, *odd_customers(2_000), nobody])
    both = with_probability(compiled, features).withColumnRenamed(PROBABILITY, "compiled")
    rows = with_probability(PipelineScorer(pipeline, FEATURES), both).collect()
    wrong = [row for row in rows if not is_same(row["compiled"], row[PROBABILITY])]
    assert wrong == []
    found = [row["compiled"] for row in rows]
    numbers = [probability for probability in found if probability is not None]
    assert {0.0, 1.0} < set(numbers)
    assert 100 < sum(map(math.isnan, numbers)) < 1_000
    assert len(numbers) < len(found)


def test_the_compiled_score_calls_no_function_but_sqls_own(
    compiled: CompiledScorer, pipeline: PipelineModel, to_features: ToFeatures
) -> None:
    features = to_features([])
    scorers: tuple[Scorer, ...] = (compiled, PipelineScorer(pipeline, FEATURES))
    plans = [
        with_probability(scorer, features)._jdf.queryExecution().optimizedPlan().toString()
        for scorer in scorers
    ]
    assert ["UDF" in plan for plan in plans] == [False, True]


def with_stage(stages: Stages, position: int, changed: SavedStage) -> Stages:
    return (*stages[:position], changed, *stages[position + 1 :])


@pytest.mark.parametrize(
    ("position", "setting"),
    [
        (0, {"handleInvalid": "error"}),
        (0, {"inputCols": [*CATEGORICAL_FEATURES[1:], CATEGORICAL_FEATURES[1]]}),
        (0, {"inputCols": None}),
        (1, {"handleInvalid": "error"}),
        (1, {"dropLast": False}),
        (1, {"inputCols": ["others"]}),
        (2, {"handleInvalid": "skip"}),
        (2, {"inputCols": [*NUMERIC_FEATURES]}),
        (3, {"featuresCol": "others"}),
    ],
)
def test_stages_with_another_setting_are_not_compiled(
    stages: Stages, position: int, setting: dict[str, object]
) -> None:
    changed = replace(stages[position], settings={**stages[position].settings, **setting})
    assert compile_stages(with_stage(stages, position, changed), FEATURES) is None


def test_other_stages_are_not_compiled(stages: Stages) -> None:
    other = replace(stages[1], class_name="org.apache.spark.ml.feature.Bucketizer", rows=())
    for others in ((), stages[:-1], stages[::-1], (*stages, other), with_stage(stages, 1, other)):
        assert compile_stages(others, FEATURES) is None


def test_stages_of_another_size_are_not_compiled(stages: Stages) -> None:
    sizes = [*stages[1].rows[0]["categorySizes"][:-1], 9]
    changed = replace(stages[1], rows=[{"categorySizes": sizes}])
    assert compile_stages(with_stage(stages, 1, changed), FEATURES) is None


def test_a_model_of_numbers_alone_is_compiled_too(spark: SparkSession, tmp_path: Path) -> None:
    numbers = Features((), ("heat", "load"))
    rows = [(float(n), float(n * n % 7), float(n % 3 > 0)) for n in range(40)]
    frame = spark.createDataFrame(rows, f"heat DOUBLE, load DOUBLE, {LABEL} DOUBLE").coalesce(1)
    fitted = pipeline_estimator(numbers).fit(frame)
    fitted.write().save(f"file://{tmp_path / 'fitted'}")
    scorer = compile_stages(read_stages(tmp_path / "fitted"), numbers)
    assert scorer is not None
    assert scorer.features == numbers
    odd = [(None, 1.0, 0.0), (1.0, math.nan, 0.0), (math.inf, 2.0, 0.0), (-1e300, 0.0, 0.0)]
    asked = spark.createDataFrame(rows + odd, frame.schema).coalesce(1)
    both = with_probability(scorer, asked).withColumnRenamed(PROBABILITY, "compiled")
    found = with_probability(PipelineScorer(fitted, numbers), both).collect()
    assert [row for row in found if not is_same(row["compiled"], row[PROBABILITY])] == []
    assert compile_stages(read_stages(tmp_path / "fitted"), FEATURES) is None


@pytest.mark.parametrize(("family", "iterations"), [("multinomial", 1), ("auto", 0)])
def test_a_softmax_and_numbers_without_weight_are_not_compiled(
    pipeline: PipelineModel,
    to_features: ToFeatures,
    tmp_path: Path,
    family: str,
    iterations: int,
) -> None:
    customers = to_features(islice(synthetic_customers(seed=4), 20))
    before = pipeline.stages[:-1]
    assembled = PipelineModel(before).transform(customers)
    labelled = assembled.withColumn("label", (F.col("tenure") > 24).cast("double"))
    regression = LogisticRegression(
        featuresCol=f"{MODEL_PREFIX}features",
        probabilityCol=CLASS_PROBABILITIES,
        family=family,
        maxIter=iterations,
    )
    fitted = PipelineModel([*before, regression.fit(labelled)])
    fitted.write().save(f"file://{tmp_path / 'fitted'}")
    assert compile_stages(read_stages(tmp_path / "fitted"), FEATURES) is None


def test_the_job_writes_the_same_with_either_scorer(
    compiled: CompiledScorer, pipeline: PipelineModel, spark: SparkSession
) -> None:
    rows = [
        (record.key, record.value, "raw", 0, offset, datetime(2026, 1, 1), None)
        for offset, record in enumerate(to_records(synthetic_events(200, seed=5), 0.2, seed=5))
    ]
    records = spark.createDataFrame(rows, KAFKA_COLUMNS)
    parser = EventParser(CHURN.event)
    manifest = read_manifest(SHIPPED)

    def written(scorer: Scorer) -> Iterator[tuple[Written, float]]:
        routes, observation = Routes("good", "bad", "group"), make_observation(parser.fields)
        job = ChurnPipeline(CHURN, parser, Model(manifest, scorer), routes, observation)
        for row in job.transform(records).select("key", "topic", "value").collect():
            value = json.loads(row["value"])
            for clock in ("processed_ts", "failed_ts", "inference_latency_ms"):
                value.pop(clock, None)
            probability = value.pop("churn_probability", -1.0)
            yield (row["key"], row["topic"], value), probability

    by_expression = list(written(compiled))
    by_stages = list(written(PipelineScorer(pipeline, FEATURES)))
    assert [rest for rest, _ in by_expression] == [rest for rest, _ in by_stages]
    assert [p for _, p in by_expression] == pytest.approx([p for _, p in by_stages], rel=1e-12)
    assert {topic for (_, topic, _), _ in by_expression} == {"good", "bad"}
