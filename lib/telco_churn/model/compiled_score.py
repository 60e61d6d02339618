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

from pyspark.ml import PipelineModel
from pyspark.ml.classification import LogisticRegressionModel
from pyspark.ml.feature import OneHotEncoderModel, StringIndexerModel, VectorAssembler
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from telco_churn.model.features import CATEGORICAL_FEATURES, NUMERIC_FEATURES
from telco_churn.model.scoring import CLASS_PROBABILITIES, PROBABILITY

_STAGES = (StringIndexerModel, OneHotEncoderModel, VectorAssembler, LogisticRegressionModel)


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

    def with_probability(self, features: DataFrame) -> DataFrame:
        """See `Scorer`."""
        terms = [_term(F.col(name), category) for name, category in self.categories.items()]
        terms += [F.col(name) * coefficient for name, coefficient in self.numbers.items()]
        # In the order of Spark's own sum, and in its form of the logistic function: another one
        # would differ in the last digits. A null, which only a number gives, becomes NaN there.
        log_odds = F.coalesce(reduce(add, terms) + self.intercept, F.lit(float("nan")))
        return features.withColumn(PROBABILITY, 1 - 1 / (1 + F.exp(log_odds)))


def compile_pipeline(pipeline: PipelineModel) -> CompiledScorer | None:
    """What gives the same probabilities as the pipeline; None if it has other stages or settings.

    Known are the four stages of `training.fit.pipeline_estimator`, which keep unseen values.
    """
    stages: Sequence[Any] = pipeline.stages
    if tuple(map(type, stages)) != _STAGES or not _has_known_settings(*stages):
        return None
    indexer, _, _, regression = stages
    coefficients = iter(regression.coefficients.toArray().tolist())
    categories = {}
    for name, values in zip(CATEGORICAL_FEATURES, indexer.labelsArray, strict=True):
        terms = {value: next(coefficients) for value in values}
        categories[name] = Category(terms, other=next(coefficients))
    numbers = dict(zip(NUMERIC_FEATURES, coefficients, strict=True))
    # What becomes of NaN where a coefficient is 0 depends on the form of Spark's vectors.
    return (
        CompiledScorer(regression.intercept, categories, numbers) if all(numbers.values()) else None
    )


def _has_known_settings(
    indexer: StringIndexerModel,
    encoder: OneHotEncoderModel,
    assembler: VectorAssembler,
    regression: LogisticRegressionModel,
) -> bool:
    """Whether the stages are joined, and set, so that the sum of `CompiledScorer` is theirs."""
    # Stages of one column have other settings.
    if not (indexer.isSet("inputCols") and encoder.isSet("inputCols")):
        return False
    sizes = [len(values) + 1 for values in indexer.labelsArray]
    return (
        all(stage.getHandleInvalid() == "keep" for stage in (indexer, encoder, assembler))
        and encoder.getDropLast()
        and indexer.getInputCols() == list(CATEGORICAL_FEATURES)
        and encoder.getInputCols() == indexer.getOutputCols()
        and list(encoder.categorySizes) == sizes
        and assembler.getInputCols() == [*encoder.getOutputCols(), *NUMERIC_FEATURES]
        and regression.getFeaturesCol() == assembler.getOutputCol()
        and regression.getProbabilityCol() == CLASS_PROBABILITIES
        and regression.numFeatures == sum(sizes) + len(NUMERIC_FEATURES)
        # With two rows it would be a softmax.
        and regression.coefficientMatrix.numRows == 1
    )


def _term(value: Column, category: Category) -> Column:
    term = F.lit(category.other)
    for known, coefficient in category.terms.items():
        term = F.when(value == known, F.lit(coefficient)).otherwise(term)
    return term
