"""What a scorer promises, and the columns that it works with."""

from __future__ import annotations

from typing import Protocol

from pyspark.sql import DataFrame

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
