"""Compiles the pipeline that `training.fit` makes into one SQL expression.

Each stage of Spark ML works row by row in a function of its own, with an object for each vector;
the same sum in plain SQL takes a small part of that (bench/README.md has the figures).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from telco_churn.model.features import Features
from telco_churn.model.scoring import CLASS_PROBABILITIES, PROBABILITY
from telco_churn.model.spark_ml.saved_stages import SavedStage, matrix, vector
from telco_churn.model.spark_trees.lookup import lookup_col

_CLASSES = tuple(
    f"org.apache.spark.ml.{name}"
    for name in (
        "feature.StringIndexerModel",
        "feature.OneHotEncoderModel",
        "feature.VectorAssembler",
        "classification.LogisticRegressionModel",
    )
)


@dataclass(frozen=True)
class Category:
    """The terms of one feature's values; `other` is that of null and of any value not seen."""

    terms: Mapping[str, float]
    other: float


@dataclass(frozen=True)
class CompiledScorer:
    """Scores by a sum: the log odds are a term for each category and one for each unit of a number.

    Attributes:
        intercept: the log odds when all terms are 0.
        categories: by STRING column.
        numbers: by DOUBLE column, what one unit of it adds.
    """

    intercept: float
    categories: Mapping[str, Category]
    numbers: Mapping[str, float]

    @property
    def features(self) -> Features:
        """See `Scorer`."""
        return Features(tuple(self.categories), tuple(self.numbers))

    def select_scored(
        self,
        customers: DataFrame,
        features: Mapping[str, Column],
        before: Sequence[Column],
        after: Sequence[Column],
    ) -> DataFrame:
        """See `Scorer`."""
        terms = [
            lookup_col(features[name], category.terms, category.other)
            for name, category in self.categories.items()
        ]
        terms += [features[name] * coefficient for name, coefficient in self.numbers.items()]
        # In the order of Spark's own sum, and in its form of the logistic function: another one
        # would differ in the last digits.
        log_odds = reduce(add, terms) + self.intercept
        probability = (1 - 1 / (1 + F.exp(log_odds))).alias(PROBABILITY)
        return customers.select(*before, probability, *after)


def compile_stages(stages: Sequence[SavedStage], features: Features) -> CompiledScorer | None:
    """What gives the same probabilities as the pipeline; None if it has other stages or settings.

    Known are the four stages of `training.fit.pipeline_estimator`, which keep unseen values.

    Args:
        stages: of the pipeline.
        features: that the model's manifest names; the pipeline must read each of them once.
    """
    if tuple(stage.class_name for stage in stages) != _CLASSES:
        return None
    if not _has_known_settings(features, *stages):
        return None
    (labels,), _, _, (regression,) = (stage.rows for stage in stages)
    names = stages[0].settings["inputCols"]
    coefficients = iter(_coefficients(regression)[0])
    categories = {}
    for name, values in zip(names, labels["labelsArray"], strict=True):
        terms = {value: next(coefficients) for value in values}
        categories[name] = Category(terms, other=next(coefficients))
    numbers = dict(zip(stages[2].settings["inputCols"][len(names) :], coefficients, strict=True))
    # What becomes of NaN where a coefficient is 0 depends on the form of Spark's vectors.
    if not all(numbers.values()):
        return None
    intercept = vector(regression["interceptVector"]).toArray()[0]
    return CompiledScorer(float(intercept), categories, numbers)


def _has_known_settings(
    features: Features,
    indexer: SavedStage,
    encoder: SavedStage,
    assembler: SavedStage,
    regression: SavedStage,
) -> bool:
    """Whether the stages are joined, and set, so that the sum of `CompiledScorer` is theirs."""
    inputs, outputs = indexer.settings.get("inputCols"), indexer.settings.get("outputCols")
    # Stages of one column have other settings.
    if not inputs or sorted(inputs) != sorted(features.categories):
        return False
    if encoder.settings.get("inputCols") != outputs:
        return False
    vectors, assembled = encoder.settings["outputCols"], assembler.settings["inputCols"]
    sizes = [len(values) + 1 for values in indexer.rows[0]["labelsArray"]]
    fit = regression.rows[0]
    return (
        all(stage.settings["handleInvalid"] == "keep" for stage in (indexer, encoder, assembler))
        and encoder.settings["dropLast"] is True
        and encoder.rows[0]["categorySizes"] == sizes
        and assembled[: len(vectors)] == vectors
        and sorted(assembled[len(vectors) :]) == sorted(features.numbers)
        and regression.settings["featuresCol"] == assembler.settings["outputCol"]
        and regression.settings["probabilityCol"] == CLASS_PROBABILITIES
        and fit["numFeatures"] == sum(sizes) + len(features.numbers)
        # With two rows it would be a softmax.
        and len(_coefficients(fit)) == 1
    )


def _coefficients(regression: Mapping[str, Any]) -> list[list[float]]:
    rows: list[list[float]] = matrix(regression["coefficientMatrix"]).toArray().tolist()
    return rows
