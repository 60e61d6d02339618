"""How customers are scored: a small interface, and the stages of a Spark ML pipeline behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from pyspark.ml import PipelineModel
from pyspark.ml.functions import vector_to_array
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

PROBABILITY = "churn_probability"
MODEL_PREFIX = "_model_"
"""Begins the name of every column that a pipeline adds; no other column may begin so."""

CLASS_PROBABILITIES = f"{MODEL_PREFIX}probability"


class Scorer(Protocol):
    """Gives each customer a probability of leaving."""

    def with_probability(self, features: DataFrame) -> DataFrame:
        """The same rows and columns, and `churn_probability` DOUBLE, 0-1.

        Args:
            features: batch or streaming, with the columns of `FEATURES_SCHEMA`. A category that
                the model has not seen, or null, counts as none; a null number makes the
                probability NaN. No row is ever dropped and nothing throws.
        """


@dataclass(frozen=True)
class PipelineScorer:
    """Scores by the stages of a Spark ML pipeline as they are."""

    pipeline: PipelineModel

    def with_probability(self, features: DataFrame) -> DataFrame:
        """See `Scorer`."""
        scored = self.pipeline.transform(features)
        probability = F.get(vector_to_array(F.col(CLASS_PROBABILITIES)), F.lit(1))
        added = [name for name in scored.columns if name.startswith(MODEL_PREFIX)]
        return scored.withColumn(PROBABILITY, probability).drop(*added)
