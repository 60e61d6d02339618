from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from churn_kind import CATEGORICAL_FEATURES, FEATURES_SCHEMA, NUMERIC_FEATURES
from pyspark.sql import DataFrame, SparkSession
from saved_models import SHIPPED, copy_of

from churn_tools.customers.facts import churn_log_odds
from churn_tools.customers.synthetic import synthetic_customers
from telco_churn.model import loading
from telco_churn.model.compiled_score import CompiledScorer
from telco_churn.model.loading import Model, load_model, read_manifest, verify_files
from telco_churn.model.scoring import PROBABILITY, with_probability
from telco_churn.model.trust.private_copy import private_copy
from telco_churn.paths import project_home

Customer = dict[str, str | float | None]
ToFeatures = Callable[[Iterable[Mapping[str, object]]], DataFrame]

PINNED: list[Customer] = json.loads(
    (project_home() / "tests/data/pinned_customers.json").read_text()
)
CUSTOMER = PINNED[0]


@pytest.fixture(scope="module")
def model(spark: SparkSession) -> Model:
    return load_model(SHIPPED)


def scores(model: Model, frame: DataFrame) -> list[float | None]:
    return [row[0] for row in with_probability(model.scorer, frame).select(PROBABILITY).collect()]


def test_the_shipped_model_gives_the_pinned_probabilities(
    model: Model, to_features: ToFeatures
) -> None:
    expected = [customer["churn_probability"] for customer in PINNED]
    assert scores(model, to_features(PINNED)) == pytest.approx(expected, abs=1e-9)


def test_the_shipped_model_recovers_the_published_log_odds(
    model: Model, to_features: ToFeatures
) -> None:
    customers = list(islice(synthetic_customers(seed=99), 2_000))
    probabilities = np.array(scores(model, to_features(customers)))
    fitted = np.log(probabilities / (1 - probabilities))
    published = np.array([churn_log_odds(customer) for customer in customers])
    assert np.corrcoef(fitted, published)[0, 1] > 0.995
    assert np.abs(fitted - published).mean() < 0.1


def test_scoring_keeps_rows_and_columns_and_adds_only_the_probability(
    model: Model, to_features: ToFeatures
) -> None:
    features = to_features(PINNED)
    scored = with_probability(model.scorer, features)
    assert scored.columns == [*features.columns, PROBABILITY]
    assert scored.drop(PROBABILITY).collect() == features.collect()


def test_a_column_named_like_a_models_usual_output_stays_as_it_is(
    model: Model, to_features: ToFeatures
) -> None:
    features = to_features(PINNED).selectExpr("*", "'mine' AS probability", "'mine' AS features")
    kept = with_probability(model.scorer, features).select("probability", "features").distinct()
    assert [tuple(row) for row in kept.collect()] == [("mine", "mine")]


@pytest.mark.parametrize("value", [None, "Satellite", "", "no"])
def test_a_category_that_was_not_seen_adds_nothing_and_is_scored(
    model: Model, to_features: ToFeatures, value: str | None
) -> None:
    strangers = [CUSTOMER | {name: value} for name in CATEGORICAL_FEATURES]
    nobody = CUSTOMER | dict.fromkeys(CATEGORICAL_FEATURES, value)
    for probability in scores(model, to_features([*strangers, nobody])):
        assert probability is not None
        assert 0 < probability < 1


def test_all_unseen_categories_leave_intercept_and_numbers(
    model: Model, to_features: ToFeatures
) -> None:
    assert isinstance(model.scorer, CompiledScorer)
    nobody: Customer = {
        **dict.fromkeys(CATEGORICAL_FEATURES),
        **dict.fromkeys(NUMERIC_FEATURES, 0.0),
    }
    intercept = model.scorer.intercept
    assert scores(model, to_features([nobody])) == pytest.approx([1 / (1 + math.exp(-intercept))])


@pytest.mark.parametrize("name", NUMERIC_FEATURES)
def test_a_number_that_is_missing_gives_no_probability_and_leaves_its_neighbours_alone(
    model: Model, to_features: ToFeatures, name: str
) -> None:
    frame = to_features([CUSTOMER, CUSTOMER | {name: None}, CUSTOMER | {name: "nan"}, CUSTOMER])
    first, null, nan, last = scores(model, frame)
    assert null is None
    assert nan is not None
    assert math.isnan(nan)
    assert first == last == pytest.approx(CUSTOMER["churn_probability"], abs=1e-9)


def test_a_streaming_dataframe_is_scored_like_a_batch(
    model: Model, spark: SparkSession, to_features: ToFeatures, tmp_path: Path
) -> None:
    to_features(PINNED).write.parquet(str(tmp_path / "events"))
    events = spark.readStream.schema(FEATURES_SCHEMA).parquet(str(tmp_path / "events"))
    query = (
        with_probability(model.scorer, events)
        .writeStream.format("memory")
        .queryName("scored")
        .trigger(availableNow=True)
        .option("checkpointLocation", str(tmp_path / "checkpoint"))
        .start()
    )
    query.awaitTermination()
    streamed = [row[0] for row in spark.table("scored").select(PROBABILITY).collect()]
    expected = [customer["churn_probability"] for customer in PINNED]
    assert streamed == pytest.approx(expected, abs=1e-9)


def test_a_model_that_is_replaced_before_it_is_copied_is_read_again(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = copy_of(SHIPPED, tmp_path / "churn")
    calls: list[object] = []

    def interrupted(*arguments: Any) -> AbstractContextManager[Path]:
        calls.append(arguments)
        if len(calls) == 1:
            (path / "pipeline").rename(path / "pipeline-0a")
            text = (path / "manifest.json").read_text().replace('"pipeline/', '"pipeline-0a/')
            document = json.loads(text) | {"pipeline": "pipeline-0a", "version": "next"}
            (path / "manifest.json").write_text(json.dumps(document))
        return private_copy(*arguments)

    monkeypatch.setattr(loading, "private_copy", interrupted)
    assert load_model(path).manifest.version == "next"
    assert len(calls) == 2


def test_the_shipped_model_is_what_its_manifest_says() -> None:
    manifest = read_manifest(SHIPPED)
    verify_files(SHIPPED, manifest)
    assert manifest.evaluation is not None
    assert manifest.evaluation.auc > 0.83
    assert 0 < manifest.threshold < 1
    distribution = manifest.training_distribution
    assert distribution.categories.keys() == set(CATEGORICAL_FEATURES)
    assert distribution.numbers.keys() == set(NUMERIC_FEATURES)
    histograms = [*distribution.numbers.values(), distribution.scores]
    for histogram in histograms:
        assert list(histogram.edges) == sorted(set(histogram.edges))
        assert len(histogram.shares) == len(histogram.edges) + 1
    shares = [h.shares for h in histograms]
    for bins in [*shares, *(values.values() for values in distribution.categories.values())]:
        assert sum(bins) == pytest.approx(1.0)


def test_the_shipped_model_is_small() -> None:
    files = [path for path in SHIPPED.rglob("*") if path.is_file()]
    assert len(files) <= 10
    assert sum(path.stat().st_size for path in files) < 50_000
