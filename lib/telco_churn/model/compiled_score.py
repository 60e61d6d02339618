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
from telco_churn.model.scoring import PROBABILITY
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

_CLASSES_WITHOUT_CATEGORIES = _CLASSES[2:]


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
        name: str = PROBABILITY,
    ) -> DataFrame:
        """See `Scorer`."""
        return customers.select(*before, self.probability_col(features).alias(name), *after)

    def probability_col(self, features: Mapping[str, Column]) -> Column:
        """See `Scorer`."""
        terms = [
            lookup_col(features[name], category.terms, category.other)
            for name, category in self.categories.items()
        ]
        terms += [features[name] * coefficient for name, coefficient in self.numbers.items()]
        # In the order of Spark's own sum, and in its form of the logistic function: another one
        # would differ in the last digits.
        log_odds = reduce(add, terms) + self.intercept
        return 1 - 1 / (1 + F.exp(log_odds))


def compile_stages(stages: Sequence[SavedStage], features: Features) -> CompiledScorer | None:
    """What gives the same probabilities as the pipeline; None if it has other stages or settings.

    Known are the stages of `training.fit.pipeline_estimator`, which keep unseen values.

    Args:
        stages: of the pipeline.
        features: that the model's manifest names; the pipeline must read each of them once.
    """
    if tuple(stage.class_name for stage in stages) not in (_CLASSES, _CLASSES_WITHOUT_CATEGORIES):
        return None
    *encoding, assembler, regression = stages
    labels = _labels(encoding, features.categories)
    if labels is None or not _is_known_sum(stages, labels, features.numbers):
        return None
    coefficients = iter(_coefficients(regression.rows[0])[0])
    categories = {}
    for name, values in labels.items():
        terms = {value: next(coefficients) for value in values}
        categories[name] = Category(terms, other=next(coefficients))
    names = assembler.settings["inputCols"][len(labels) :]
    numbers = dict(zip(names, coefficients, strict=True))
    # What becomes of NaN where a coefficient is 0 depends on the form of Spark's vectors.
    if not all(numbers.values()):
        return None
    intercept = vector(regression.rows[0]["interceptVector"]).toArray()[0]
    return CompiledScorer(float(intercept), categories, numbers)


def _labels(
    encoding: Sequence[SavedStage], categories: Sequence[str]
) -> Mapping[str, Sequence[str]] | None:
    """The values of each category, in the order of their vectors; None if it is set otherwise."""
    if not encoding:
        return None if categories else {}
    indexer, encoder = encoding
    inputs = indexer.settings.get("inputCols")
    # Stages of one column have other settings.
    if not inputs or sorted(inputs) != sorted(categories):
        return None
    labels = dict(zip(inputs, indexer.rows[0]["labelsArray"], strict=True))
    is_known = (
        encoder.settings.get("inputCols") == indexer.settings["outputCols"]
        and all(stage.settings["handleInvalid"] == "keep" for stage in encoding)
        and encoder.settings["dropLast"] is True
        and encoder.rows[0]["categorySizes"] == [len(values) + 1 for values in labels.values()]
    )
    return labels if is_known else None


def _is_known_sum(
    stages: Sequence[SavedStage], labels: Mapping[str, Sequence[str]], numbers: Sequence[str]
) -> bool:
    """Whether the last stages are joined, and set, so that a `CompiledScorer` adds up the same."""
    *encoding, assembler, regression = stages
    vectors = encoding[-1].settings["outputCols"] if encoding else []
    assembled, fit = assembler.settings["inputCols"], regression.rows[0]
    return (
        assembler.settings["handleInvalid"] == "keep"
        and assembled[: len(vectors)] == vectors
        and sorted(assembled[len(vectors) :]) == sorted(numbers)
        and regression.settings["featuresCol"] == assembler.settings["outputCol"]
        and fit["numFeatures"] == sum(len(v) + 1 for v in labels.values()) + len(numbers)
        # With two rows it would be a softmax.
        and len(_coefficients(fit)) == 1
    )


def _coefficients(regression: Mapping[str, Any]) -> list[list[float]]:
    rows: list[list[float]] = matrix(regression["coefficientMatrix"]).toArray().tolist()
    return rows
