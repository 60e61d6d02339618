"""Models that somebody else has fitted: taken over, judged, and refused with the reason."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from churn_kind import CHURN
from pyspark.ml import Pipeline, PipelineModel
from pyspark.ml.classification import LinearSVC, LogisticRegression, NaiveBayes
from pyspark.ml.feature import StringIndexer, VectorAssembler
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from saved_models import SHIPPED, copy_of

from churn_tools.models.adoption import Adoption, adopt
from churn_tools.models.judge_data import JudgeData
from churn_tools.models.version_store import Store
from churn_tools.training.data import LABEL, read_customers
from telco_churn.errors import ModelError, SettingsError
from telco_churn.model.loading import load_model
from telco_churn.model.manifest import Manifest, read_manifest
from telco_churn.model.scoring import PROBABILITY, with_probability

Fit = Callable[..., Path]


def taken(spark: SparkSession, path: Path, store: Store, judge: Path | None = None) -> Manifest:
    data = JudgeData.parse(str(judge)) if judge else None
    return adopt(spark, Adoption(str(path), CHURN, "theirs", data), store)


def refusal(spark: SparkSession, path: Path, store: Store, judge: Path | None = None) -> str:
    with pytest.raises(ModelError) as error:
        taken(spark, path, store, judge)
    assert "\n" not in str(error.value)
    assert store.versions() == []
    assert [path.name for path in store.directory.iterdir()] == [], "nothing is left behind"
    return str(error.value)


@pytest.fixture
def fitted(spark: SparkSession, customers_csv: Path, tmp_path: Path) -> Fit:
    """Saves a pipeline of some stages, fitted to customers with a label `left`."""

    def fit(*stages: object, label: str = LABEL) -> Path:
        customers = read_customers(spark, customers_csv, CHURN).limit(200)
        labelled = customers.withColumn("left", F.expr(label).cast("double")).drop(LABEL)
        path = tmp_path / "fitted"
        Pipeline(stages=list(stages)).fit(labelled).write().save(f"file://{path}")  # type: ignore[arg-type]
        return path

    return fit


def numbers() -> VectorAssembler:
    return VectorAssembler(
        inputCols=["tenure", "MonthlyCharges"], outputCol="features", handleInvalid="keep"
    )


def test_a_model_is_adopted_judged_and_scores_as_where_it_came_from(
    spark: SparkSession,
    someones_directory: Path,
    someones_model: PipelineModel,
    customers_csv: Path,
    store: Store,
) -> None:
    manifest = taken(spark, someones_directory, store, customers_csv)
    assert manifest.classifier == "GBTClassificationModel"
    assert manifest.training_data == (
        f"fitted elsewhere, adopted from {someones_directory}; judged on CSV file customers.csv"
    )
    assert manifest.rows is None
    assert manifest.evaluation is not None
    assert manifest.evaluation.rows == 1_000
    assert manifest.evaluation.auc > 0.75
    assert manifest.effects is not None
    distribution = manifest.training_distribution
    assert list(distribution.categories) == ["InternetService", "Contract"]
    assert list(distribution.numbers) == ["tenure", "MonthlyCharges"]
    loaded = load_model(store.directory / "theirs")
    assert loaded.is_compiled
    assert loaded.manifest == manifest
    customers = read_customers(spark, customers_csv, CHURN).limit(200).cache()
    theirs = PipelineModel(someones_model.stages[1:-1]).transform(customers)
    expected = {row["customerID"]: row["probability"][1] for row in theirs.collect()}
    for row in with_probability(loaded.scorer, customers).collect():
        assert row[PROBABILITY] == pytest.approx(expected[row["customerID"]], abs=1e-12)


def test_without_customers_nothing_is_said_of_its_worth(
    spark: SparkSession, someones_directory: Path, store: Store
) -> None:
    manifest = taken(spark, someones_directory, store)
    assert (manifest.evaluation, manifest.effects, manifest.threshold) == (None, None, 0.5)
    distribution = manifest.training_distribution
    assert distribution.categories == {"InternetService": {}, "Contract": {}}
    assert load_model(store.directory / "theirs").is_compiled


def test_customers_without_labels_give_a_distribution_and_no_figures(
    spark: SparkSession, someones_directory: Path, customers_csv: Path, store: Store, tmp_path: Path
) -> None:
    with customers_csv.open(newline="") as stream:
        rows = list(csv.DictReader(stream))[:100]
    unlabelled = tmp_path / "unlabelled.csv"
    with unlabelled.open("w", newline="") as stream:
        names = [name for name in rows[0] if name != "Churn"]
        writer = csv.DictWriter(stream, names, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    manifest = taken(spark, someones_directory, store, unlabelled)
    assert manifest.evaluation is None
    assert manifest.threshold_rule == "no labels to choose it by"
    assert sum(manifest.training_distribution.scores.shares) == pytest.approx(1)
    assert manifest.effects is not None


def test_a_model_of_this_project_keeps_what_is_known_of_it(
    spark: SparkSession, store: Store
) -> None:
    other = Store(store.directory.parent / "others", store.in_use)
    manifest = adopt(spark, Adoption(str(SHIPPED), CHURN, threshold=0.4), other)
    shipped = read_manifest(SHIPPED)
    assert (manifest.version, manifest.threshold) == (shipped.version, 0.4)
    assert manifest.evaluation == shipped.evaluation
    assert manifest.training_distribution == shipped.training_distribution
    assert manifest.training_data == shipped.training_data
    damaged = copy_of(SHIPPED, store.directory.parent / "damaged")
    next(damaged.glob("pipeline/stages/*/metadata/part-*")).write_text("{}")
    with pytest.raises(ModelError, match="does not match its SHA-256"):
        adopt(spark, Adoption(str(damaged), CHURN, "damaged"), other)


@pytest.mark.parametrize("name", ["metadata/part-9", "stages/more"])
def test_a_pipe_and_a_link_in_it_are_neither_waited_for_nor_followed(
    spark: SparkSession, tmp_path: Path, store: Store, name: str
) -> None:
    theirs = copy_of(SHIPPED, tmp_path / "theirs") / "pipeline"
    os.mkfifo(theirs / name)
    assert f"{name} is no plain file" in refusal(spark, theirs, store)
    (theirs / name).unlink()
    (theirs / name).symlink_to("/etc/passwd")
    assert f"model {theirs}: {name} is no plain file" in refusal(spark, theirs, store)


def test_a_classifier_that_gives_no_probability_is_refused(
    spark: SparkSession, fitted: Fit, store: Store
) -> None:
    path = fitted(numbers(), LinearSVC(labelCol="left", maxIter=2))
    message = refusal(spark, path, store)
    assert "no stage gives a probability (stage LinearSVC_" in message
    assert "let it end with a logistic regression, a decision tree, a random forest" in message


def test_naive_bayes_gives_one_and_is_adopted(
    spark: SparkSession, fitted: Fit, customers_csv: Path, store: Store
) -> None:
    path = fitted(numbers(), NaiveBayes(labelCol="left", modelType="gaussian"))
    assert taken(spark, path, store, customers_csv).classifier == "NaiveBayesModel"
    scorer = load_model(store.directory / "theirs").scorer
    customers = read_customers(spark, customers_csv, CHURN).limit(50).cache()
    expected = PipelineModel.load(f"file://{path}").transform(customers).collect()
    found = with_probability(scorer, customers).collect()
    assert [row[PROBABILITY] for row in found] == pytest.approx(
        [row["probability"][1] for row in expected], abs=1e-12
    )


def test_a_column_that_no_event_has_is_named_with_the_stage(
    spark: SparkSession, fitted: Fit, store: Store
) -> None:
    path = fitted(
        VectorAssembler(inputCols=["left", "tenure"], outputCol="features", handleInvalid="keep"),
        LogisticRegression(labelCol="left", maxIter=2),
    )
    message = refusal(spark, path, store)
    assert message.startswith(f"{path} is not adopted: stage VectorAssembler_")
    assert "reads the column 'left', which neither a stage before it makes nor an event" in message
    assert "a model may read gender, Partner" in message


def test_a_stage_that_would_end_the_query_is_named(
    spark: SparkSession, fitted: Fit, store: Store
) -> None:
    path = fitted(
        StringIndexer(inputCol="Contract", outputCol="index"),
        VectorAssembler(inputCols=["index"], outputCol="features", handleInvalid="keep"),
        LogisticRegression(labelCol="left", maxIter=2),
    )
    message = refusal(spark, path, store)
    assert "is not adopted: stage StringIndexer_" in message
    assert "handleInvalid is 'error', which ends the query" in message


def test_a_model_that_ranks_the_wrong_way_round_is_refused(
    spark: SparkSession, fitted: Fit, customers_csv: Path, store: Store
) -> None:
    regression = LogisticRegression(labelCol="left", maxIter=20)
    path = fitted(numbers(), regression, label=f"1 - {LABEL}")
    message = refusal(spark, path, store, customers_csv)
    assert "those with label no are scored above those with label yes" in message


def test_a_name_that_is_taken_is_refused_and_the_first_model_stays(
    spark: SparkSession, someones_directory: Path, store: Store
) -> None:
    first = taken(spark, someones_directory, store)
    with pytest.raises(SettingsError, match="there is a version 'theirs' already"):
        taken(spark, someones_directory, store)
    assert store.find("theirs").manifest == first
