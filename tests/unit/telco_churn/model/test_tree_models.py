"""Models of trees as a user trains and names them: picked by the job itself, and scored right."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from churn_kind import CHURN, FEATURES
from odd_customers import is_same, odd_customers
from plans import expressions, job_plan, projections
from pyspark.ml import PipelineModel
from pyspark.ml.classification import GBTClassifier, RandomForestClassifier
from pyspark.sql import DataFrame, SparkSession
from saved_models import SHIPPED, change_setting, copy_of, pipeline_of, save_with_shipped_manifest
from shadows import compared, counted, decisions, scores, written

from churn_tools.customers.synthetic import synthetic_customers
from churn_tools.training.data import read_customers, write_synthetic_csv
from churn_tools.training.fit import pipeline_estimator
from telco_churn.errors import ModelError
from telco_churn.model.loading import load_model
from telco_churn.model.scoring import PROBABILITY, with_probability
from telco_churn.model.spark_ml.pipeline_scorer import PipelineScorer, restore_pipeline
from telco_churn.model.spark_ml.saved_stages import read_stages
from telco_churn.model.spark_ml.tree_scorer import TreeScorer

ToFeatures = Callable[[Iterable[Mapping[str, object]]], DataFrame]


def classifiers() -> dict[str, Any]:
    return {
        "forest": RandomForestClassifier(numTrees=20, seed=1),
        "boosted": GBTClassifier(maxIter=8, seed=1),
    }


def fitted(spark: SparkSession, classifier: Any, directory: Path) -> PipelineModel:
    """As `jobs/train_model.py` fits its model, with another classifier."""
    write_synthetic_csv(directory / "customers.csv", 600, seed=12)
    customers = read_customers(spark, directory / "customers.csv", CHURN)
    return pipeline_estimator(FEATURES, classifier).fit(customers)


@pytest.fixture(scope="module", params=["forest", "boosted"])
def saved(
    request: pytest.FixtureRequest, spark: SparkSession, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    directory = tmp_path_factory.mktemp("models")
    pipeline = fitted(spark, classifiers()[request.param], directory)
    return save_with_shipped_manifest(pipeline, directory / request.param)


def test_a_model_of_trees_is_scored_without_its_stages(
    saved: Path, to_features: ToFeatures
) -> None:
    model = load_model(saved)
    assert model.is_compiled
    assert isinstance(model.scorer, TreeScorer)
    customers = to_features([*islice(synthetic_customers(seed=13), 500), *odd_customers(1_000)])
    both = with_probability(model.scorer, customers).withColumnRenamed(PROBABILITY, "compiled")
    stages = PipelineModel.load(f"file://{pipeline_of(saved)}")
    rows = with_probability(PipelineScorer(stages, FEATURES), both).collect()
    assert [row for row in rows if not is_same(row["compiled"], row[PROBABILITY])] == []
    assert len({row["compiled"] for row in rows}) > 50
    assert None in {row["compiled"] for row in rows}, "who lacks a number"


def test_its_stages_can_still_be_restored_from_its_files(
    saved: Path, to_features: ToFeatures
) -> None:
    customers = to_features(islice(synthetic_customers(seed=14), 100))
    restored = restore_pipeline(read_stages(pipeline_of(saved)))
    loaded = PipelineModel.load(f"file://{pipeline_of(saved)}")
    assert restored.transform(customers).collect() == loaded.transform(customers).collect()


def test_no_spark_job_runs(spark: SparkSession, saved: Path) -> None:
    def jobs() -> int:
        return int(spark.sparkContext._jsc.sc().statusStore().jobsList(None).size())

    before = jobs()
    load_model(saved)
    assert jobs() == before


def test_trees_make_the_plan_little_larger_than_the_shipped_model_does(
    spark: SparkSession, saved: Path
) -> None:
    shipped, with_trees = (job_plan(spark, load_model(path)) for path in (SHIPPED, saved))
    assert projections(with_trees) <= projections(shipped) + 4, with_trees.toString()
    assert expressions(with_trees) <= 1.15 * expressions(shipped)


def test_a_model_of_trees_that_is_set_to_skip_rows_is_refused(saved: Path, tmp_path: Path) -> None:
    model = copy_of(saved, tmp_path / "model")
    change_setting(model, "StringIndexer", handleInvalid="skip")
    with pytest.raises(ModelError, match="handleInvalid is 'skip', which drops rows silently"):
        load_model(model)


def test_the_probability_of_trees_may_have_any_name(saved: Path, tmp_path: Path) -> None:
    model = copy_of(saved, tmp_path / "model")
    change_setting(model, "Classifier", probabilityCol="chance")
    assert load_model(model).is_compiled


def test_trees_as_a_shadow_are_compared_and_leave_what_is_written_as_it_was(
    spark: SparkSession, saved: Path
) -> None:
    model, shadow = load_model(SHIPPED), load_model(saved)
    deciding, beside = scores(spark, model), scores(spark, shadow)
    threshold = model.manifest.threshold
    assert written(spark, model, shadow) == written(spark, model)
    expected = decisions(deciding, beside, threshold, threshold)
    assert compared(counted(spark, model, shadow)) == expected
    # And beside trees that decide.
    assert written(spark, shadow, model) == written(spark, shadow)
    turned = decisions(beside, deciding, threshold, threshold)
    assert compared(counted(spark, shadow, model)) == turned
