"""Fits, judges and saves the model: `jobs/train_model.py`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyspark
from pyspark.ml import Pipeline, PipelineModel
from pyspark.ml.feature import OneHotEncoder, StringIndexer, VectorAssembler
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from churn_tools.training.classifiers import CLASSIFIERS, DEFAULT
from churn_tools.training.data import LABEL
from churn_tools.training.distribution import distribution_of
from churn_tools.training.effects import effects_of
from churn_tools.training.evaluation import THRESHOLD_RULE, best_threshold, evaluate
from telco_churn.errors import SettingsError
from telco_churn.model.features import Features
from telco_churn.model.manifest import Manifest
from telco_churn.model.scoring import (
    CLASS_PROBABILITIES,
    MODEL_PREFIX,
    PROBABILITY,
    with_probability,
)
from telco_churn.model.spark_ml.pipeline_scorer import PipelineScorer
from telco_churn.record.kind import RecordKind

_HELD_OUT_ONE_IN = 5


@dataclass(frozen=True)
class TrainedModel:
    """A fitted pipeline; its manifest lacks only the files, which come with saving."""

    pipeline: PipelineModel
    manifest: Manifest


def train(
    customers: DataFrame,
    kind: RecordKind,
    seed: int,
    version: str,
    description: str,
    classifier: str = DEFAULT,
) -> TrainedModel:
    """Fits the pipeline to four fifths of the customers and judges it on the rest.

    Args:
        customers: as `data.read_customers` gives them.
        kind: of record that they are.
        seed: chooses who is held out, by the id; and what a classifier leaves to chance.
        version: the model's name in predictions and metrics; empty takes the present time.
        description: says where the customers come from.
        classifier: one of `CLASSIFIERS`.

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
        estimator = pipeline_estimator(kind.features, CLASSIFIERS[classifier](seed))
        pipeline = estimator.fit(fitted_to)
        manifest = _judged(pipeline, kind, fitted_to, held_out)
    finally:
        fitted_to.unpersist()
        held_out.unpersist()
    return TrainedModel(
        pipeline,
        replace(
            manifest,
            version=version or f"{created:%Y%m%dT%H%M%SZ}",
            created=f"{created:%Y-%m-%dT%H:%M:%SZ}",
            training_data=description,
        ),
    )


def _judged(
    pipeline: PipelineModel, kind: RecordKind, fitted_to: DataFrame, held_out: DataFrame
) -> Manifest:
    """What is found out about the pipeline; its name and origin are left out."""
    scorer = PipelineScorer(pipeline, kind.features)
    pairs = with_probability(scorer, held_out).select(LABEL, PROBABILITY).collect()
    labels, probabilities = np.array(pairs, dtype=np.float64).T
    threshold = best_threshold(labels, probabilities)
    return Manifest(
        version="",
        spark_version=pyspark.__version__,
        created="",
        threshold=threshold,
        threshold_rule=THRESHOLD_RULE,
        training_data="",
        rows=fitted_to.count(),
        evaluation=evaluate(labels, probabilities, threshold),
        training_distribution=distribution_of(with_probability(scorer, fitted_to), kind.features),
        files={},
        classifier=type(pipeline.stages[-1]).__name__,
        effects=effects_of(scorer, held_out),
    )


def pipeline_estimator(features: Features, classifier: Any = None) -> Pipeline:
    """The model before it is fitted: one stage for all columns of a kind, none drops a row.

    A category that was not seen, or null, is encoded as zeros: it adds nothing to the log odds.

    Args:
        features: the columns that it is fitted to.
        classifier: of Spark ML, with probabilities; None takes the logistic regression that is
            shipped. Its columns are set here.
    """
    classifier = classifier or CLASSIFIERS[DEFAULT](0)
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


def _check_labels(*parts: DataFrame) -> None:
    for part in parts:
        if part.select(LABEL).distinct().count() < 2:
            raise SettingsError(
                "too few rows: the fitted or the held-out part has one label only; give some "
                "hundred at least"
            )
