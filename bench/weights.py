"""The model as plain numbers, for a scorer without Spark."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from pyspark.sql import SparkSession

from telco_churn.features import CATEGORICAL_FEATURES, FEATURES_SCHEMA, NUMERIC_FEATURES
from telco_churn.model import PROBABILITY, Model


@dataclass(frozen=True)
class Weights:
    """Log odds are the intercept, a term for each category and one for each unit of a number."""

    intercept: float
    categories: Mapping[str, Mapping[str, float]]  # feature -> value -> term
    numbers: Mapping[str, float]
    threshold: float
    version: str


def read_weights(path: Path) -> Weights:
    """The weights that `write_weights` wrote."""
    return Weights(**json.loads(path.read_text("utf-8")))


def write_weights(path: Path, weights: Weights) -> None:
    """Keeps the weights as JSON."""
    path.write_text(json.dumps(asdict(weights)), "utf-8")


def probe_weights(spark: SparkSession, model: Model) -> Weights:
    """The weights of a logistic regression, read off its own scores.

    Its log odds are a sum, so a customer with one category, or one number at 1 and the others at 0,
    shows that term; a category of null adds nothing.
    """
    names = (*CATEGORICAL_FEATURES, *NUMERIC_FEATURES)
    nobody: dict[str, object] = dict.fromkeys(CATEGORICAL_FEATURES) | dict.fromkeys(
        NUMERIC_FEATURES, 0.0
    )
    known = model.manifest.training_distribution.categories
    values = [(name, value) for name in CATEGORICAL_FEATURES for value in known[name]]
    probes = [nobody, *({**nobody, name: value} for name, value in values)]
    probes += [{**nobody, name: 1.0} for name in NUMERIC_FEATURES]
    rows = [tuple(probe[name] for name in names) for probe in probes]
    scored = model.scorer.with_probability(spark.createDataFrame(rows, FEATURES_SCHEMA).coalesce(1))
    probabilities = np.array([row[PROBABILITY] for row in scored.select(PROBABILITY).collect()])
    log_odds = np.log(probabilities / (1 - probabilities))
    intercept, terms = float(log_odds[0]), (log_odds[1:] - log_odds[0]).tolist()
    categories: dict[str, dict[str, float]] = {name: {} for name in CATEGORICAL_FEATURES}
    for (name, value), term in zip(values, terms, strict=False):
        categories[name][value] = term
    return Weights(
        intercept,
        categories,
        dict(zip(NUMERIC_FEATURES, terms[len(values) :], strict=True)),
        model.manifest.threshold,
        model.manifest.version,
    )
