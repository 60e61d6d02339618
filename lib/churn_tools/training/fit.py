"""Fits, judges and saves the model: `jobs/train_model.py`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import numpy as np
import pyspark
from pyspark.ml import Pipeline, PipelineModel
from pyspark.ml.classification import LogisticRegression
from pyspark.ml.feature import OneHotEncoder, StringIndexer, VectorAssembler
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from churn_tools.training.data import LABEL
from churn_tools.training.evaluation import THRESHOLD_RULE, best_threshold, evaluate
from telco_churn.errors import SettingsError
from telco_churn.model.features import Features
from telco_churn.model.manifest import Histogram, Manifest, TrainingDistribution
from telco_churn.model.scoring import (
    CLASS_PROBABILITIES,
    MODEL_PREFIX,
    PROBABILITY,
    with_probability,
)
from telco_churn.model.spark_ml.pipeline_scorer import PipelineScorer
from telco_churn.record.kind import RecordKind

_HELD_OUT_ONE_IN = 5
_TENTHS = [tenth / 10 for tenth in range(1, 10)]


@dataclass(frozen=True)
class TrainedModel:
    """A fitted pipeline; its manifest lacks only the files, which come with saving."""

    pipeline: PipelineModel
    manifest: Manifest


def train(
    customers: DataFrame, kind: RecordKind, seed: int, version: str, description: str
) -> TrainedModel:
    """Fits the pipeline to four fifths of the customers and judges it on the rest.

    Args:
        customers: as `data.read_customers` gives them.
        kind: of record that they are.
        seed: chooses who is held out, by the id.
        version: the model's name in predictions and metrics; empty takes the present time.
        description: says where the customers come from.

    Raises:
        SettingsError: one of the two parts lacks customers who left, or who stayed.
    """
    created = datetime.now(UTC)
    # By a hash of the id: the choice depends neither on the order of rows nor on their number.
    is_held_out = F.pmod(F.xxhash64(kind.id.name, F.lit(seed)), F.lit(_HELD_OUT_ONE_IN)) == 0
    fitted_to = customers.where(~is_held_out).cache()
    held_out = customers.where(is_held_out).cache()
    try:
        _check_labels(fitted_to, held_out)
        pipeline = pipeline_estimator(kind.features).fit(fitted_to)
        scorer = PipelineScorer(pipeline, kind.features)
        pairs = with_probability(scorer, held_out).select(LABEL, PROBABILITY).collect()
        labels, probabilities = np.array(pairs, dtype=np.float64).T
        threshold = best_threshold(labels, probabilities)
        manifest = Manifest(
            version=version or f"{created:%Y%m%dT%H%M%SZ}",
            spark_version=pyspark.__version__,
            created=f"{created:%Y-%m-%dT%H:%M:%SZ}",
            threshold=threshold,
            threshold_rule=THRESHOLD_RULE,
            training_data=description,
            rows=fitted_to.count(),
            evaluation=evaluate(labels, probabilities, threshold),
            training_distribution=_distribution(with_probability(scorer, fitted_to), kind.features),
            files={},
        )
    finally:
        fitted_to.unpersist()
        held_out.unpersist()
    return TrainedModel(pipeline, manifest)


def pipeline_estimator(features: Features, classifier: Any = None) -> Pipeline:
    """The model before it is fitted: one stage for all columns of a kind, none drops a row.

    A category that was not seen, or null, is encoded as zeros: it adds nothing to the log odds.

    Args:
        features: the columns that it is fitted to.
        classifier: of Spark ML, with probabilities; None takes the logistic regression that is
            shipped. Its columns are set here.
    """
    classifier = classifier or _regression()
    indexes = [f"{MODEL_PREFIX}index_{name}" for name in features.categories]
    vectors = [f"{MODEL_PREFIX}vector_{name}" for name in features.categories]
    assembled = f"{MODEL_PREFIX}features"
    encoding: list[Any] = [
        StringIndexer(
            inputCols=list(features.categories),
            outputCols=indexes,
            # The default order is by frequency, so a few more rows could swap two columns.
            stringOrderType="alphabetAsc",
            handleInvalid="keep",
        ),
        OneHotEncoder(inputCols=indexes, outputCols=vectors, handleInvalid="keep"),
    ]
    return Pipeline(
        stages=[
            # A stage without a column cannot be fitted.
            *(encoding if features.categories else []),
            VectorAssembler(
                inputCols=[*vectors, *features.numbers], outputCol=assembled, handleInvalid="keep"
            ),
            classifier.setFeaturesCol(assembled)
            .setLabelCol(LABEL)
            .setProbabilityCol(CLASS_PROBABILITIES)
            .setRawPredictionCol(f"{MODEL_PREFIX}raw_prediction")
            .setPredictionCol(f"{MODEL_PREFIX}prediction"),
        ]
    )


def _regression() -> LogisticRegression:
    # Every value of a category has a column of its own, so without any penalty there would be no
    # single best fit; this much changes no probability that shows.
    return LogisticRegression(regParam=1e-6, maxIter=200, tol=1e-8)


def _check_labels(*parts: DataFrame) -> None:
    for part in parts:
        if part.select(LABEL).distinct().count() < 2:
            raise SettingsError(
                "too few rows: the fitted or the held-out part has one label only; give some "
                "hundred at least"
            )


def _distribution(scored: DataFrame, features: Features) -> TrainingDistribution:
    quantiles = scored.approxQuantile(list(features.numbers), [0.0, *_TENTHS], 0.0)
    edges = {
        # A number with few values has equal tenths; its least value bounds no bin from above.
        name: tuple(sorted({point for point in points if point > points[0]}))
        for name, points in zip(features.numbers, quantiles, strict=True)
    }
    histograms = _histograms(scored, {**edges, PROBABILITY: tuple(_TENTHS)})
    return TrainingDistribution(
        categories=_category_shares(scored, features.categories),
        numbers={name: histograms[name] for name in features.numbers},
        scores=histograms[PROBABILITY],
    )


def _category_shares(
    customers: DataFrame, categories: Sequence[str]
) -> dict[str, dict[str, float]]:
    shares: dict[str, dict[str, float]] = {name: {} for name in categories}
    if not categories:
        return shares
    total = customers.count()
    long_form = customers.unpivot([], list(categories), "feature", "value")
    for row in long_form.where("value IS NOT NULL").groupBy("feature", "value").count().collect():
        shares[row["feature"]][row["value"]] = row["count"] / total
    return shares


def _histograms(
    customers: DataFrame, edges: Mapping[str, tuple[float, ...]]
) -> dict[str, Histogram]:
    """The shares of all bins, in one pass over the customers."""
    reached: list[Column] = [
        F.avg((F.col(name) >= edge).cast("double")) for name, row in edges.items() for edge in row
    ]
    shares = iter(customers.select(*reached).collect()[0])
    histograms = {}
    for name, row in edges.items():
        at_least = [1.0, *(next(shares) for _ in row), 0.0]
        bins = tuple(upper - lower for upper, lower in pairwise(at_least))
        histograms[name] = Histogram(edges=row, shares=bins)
    return histograms
