"""The shipped model, watched by the job's own plan: customers as in training, and others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
from churn_kind import CHURN
from plans import watched_pipeline
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from saved_models import SHIPPED

from churn_tools.customers.synthetic import synthetic_customers
from churn_tools.producer.source import to_records
from stream_telemetry.batch.buckets import count_numbers_col, read_counts
from stream_telemetry.drift.counting import ONE_IN
from stream_telemetry.drift.settings import DriftSettings
from stream_telemetry.drift.stability import stability_index
from stream_telemetry.drift.watch import ModelWatch
from telco_churn.model.loading import load_model
from telco_churn.model.manifest import Histogram, read_manifest
from telco_churn.outcome.watched_model import make_counting
from telco_churn.pipeline import ChurnPipeline

SCORES = "the scores"
CUSTOMERS = 8000
COLUMNS = (
    "key BINARY, value BINARY, topic STRING, partition INT, offset BIGINT, timestamp TIMESTAMP, "
    "headers ARRAY<STRUCT<key: STRING, value: BINARY>>"
)


def customers(**changed: object) -> Iterator[Mapping[str, object]]:
    """With `changed`, nine of ten have these fields."""
    for number, customer in enumerate(islice(synthetic_customers(5), CUSTOMERS)):
        yield {**customer, **(changed if number % 10 else {})}


@pytest.fixture(scope="module")
def pipeline(spark: SparkSession) -> ChurnPipeline:
    return watched_pipeline(load_model(SHIPPED))


def indices(
    spark: SparkSession, pipeline: ChurnPipeline, events: Iterator[Mapping[str, object]]
) -> dict[str, float]:
    counting, failures = pipeline.observation.model, len(pipeline.observation.failures)
    assert counting is not None
    # Refused ones, which are scored as well, must not count.
    records = [*to_records(events, 0.0, 1), *to_records([{"tenure": 900}] * 200, 0.0, 1)]
    rows = [(r.key, r.value, "raw", 0, n, None, None) for n, r in enumerate(records)]
    frame = spark.createDataFrame(rows, COLUMNS).repartition(4)
    answered = frame.transform(pipeline.read).transform(pipeline.judge).transform(pipeline.answer)
    outcome = F.col("_observed_outcome")
    aggregates = {"outcomes": count_numbers_col(outcome)}
    aggregates |= counting.aggregates("_observed_model_", outcome >= failures)
    row = answered.agg(*(column.alias(name) for name, column in aggregates.items())).first()
    assert row is not None
    outcomes = read_counts(row.outcomes, failures + counting.kinds)
    assert sum(outcomes[:failures]) == 200
    counts = counting.read(outcomes[failures:], row.asDict())
    assert counts is not None
    assert counts.records == CUSTOMERS
    assert counts.sampled == pytest.approx(CUSTOMERS / ONE_IN, rel=0.15)
    assert counts.outcomes[1:].sum() == CUSTOMERS
    binned = counting.reference.binned(counts.cells)
    found = {name: stability_index(expected, bins) for name, expected, bins in binned}
    return found | {SCORES: stability_index(np.array(counting.reference.scores), counts.by_tenth)}


def test_customers_as_in_training_are_no_drift(
    spark: SparkSession, pipeline: ChurnPipeline
) -> None:
    found = indices(spark, pipeline, customers())
    assert len(found) == 20
    assert max(found.values()) < 0.1, found


def test_other_contracts_are_drift_of_that_feature_and_of_the_scores(
    spark: SparkSession, pipeline: ChurnPipeline
) -> None:
    found = indices(spark, pipeline, customers(Contract="Two year"))
    assert {name for name, index in found.items() if index > 0.25} == {"Contract", SCORES}
    assert max(index for name, index in found.items() if name not in ("Contract", SCORES)) < 0.1


def test_a_manifest_that_does_not_tell_what_a_model_was_fitted_to_leaves_its_drift_untold() -> None:
    manifest = read_manifest(SHIPPED)
    distribution = replace(
        manifest.training_distribution,
        categories={**manifest.training_distribution.categories, "Contract": {}},
        scores=Histogram((0.5,), (0.7, 0.3)),
    )
    counting = make_counting(replace(manifest, training_distribution=distribution), None)
    assert ModelWatch(counting, DriftSettings()).untold == ("Contract", "the scores")
    assert counting.labels == ()
    assert ModelWatch(make_counting(manifest, CHURN.label), DriftSettings()).untold == ()
