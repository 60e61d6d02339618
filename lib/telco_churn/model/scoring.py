"""What a scorer promises, and the columns that it works with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import reduce
from operator import and_
from typing import Protocol

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from telco_churn.model.features import Features

PROBABILITY = "_probability"
SHADOW_PROBABILITY = "_shadow_probability"
"""That of the model that only metrics tell of."""
MODEL_PREFIX = "_model_"
"""Begins the name of every column that a pipeline adds; no other column may begin so."""

CLASS_PROBABILITIES = f"{MODEL_PREFIX}probability"

_KEPT = "_kept"


class Scorer(Protocol):
    """Gives each event the probability of a yes."""

    @property
    def features(self) -> Features:
        """What it reads."""

    def select_scored(
        self,
        customers: DataFrame,
        features: Mapping[str, Column],
        before: Sequence[Column],
        after: Sequence[Column],
        name: str = PROBABILITY,
    ) -> DataFrame:
        """One row for each: `before`, then the probability DOUBLE, then `after`.

        They are evaluated in this order, so that clocks among them tell what the score takes.

        Args:
            customers: batch or streaming.
            features: by name, of the types of `Features`. A category that the model has not seen,
                or null, counts as none; a null number makes the probability null. No row is ever
                dropped and nothing throws.
            before: the columns that come first.
            after: the columns that come last.
            name: of the probability's column.
        """

    def probability_col(self, features: Mapping[str, Column]) -> Column | None:
        """The same as an expression; None if it takes columns of its own.

        Args:
            features: see `select_scored`.
        """


def with_probability(scorer: Scorer, customers: DataFrame) -> DataFrame:
    """`customers`, who have the columns that the scorer reads, with `_probability`."""
    features = {name: F.col(name) for name in scorer.features.names}
    kept = [F.col(name) for name in customers.columns]
    return scorer.select_scored(customers, features, kept, [])


def select_by_names(
    customers: DataFrame,
    features: Mapping[str, Column],
    numbers: Iterable[str],
    before: Sequence[Column],
    after: Sequence[Column],
    transform: Callable[[DataFrame], DataFrame],
    probability: Column,
    name: str,
) -> DataFrame:
    """Scores as `Scorer` promises, by what looks for the features by their names.

    Args:
        customers: see `Scorer`.
        features: see `Scorer`.
        numbers: names of those that are.
        before: see `Scorer`.
        after: see `Scorer`.
        transform: adds columns to rows that have the features.
        probability: DOUBLE, of those columns.
        name: see `Scorer`.
    """
    named = [feature.alias(feature_name) for feature_name, feature in features.items()]
    scored = transform(customers.select(F.struct(*before).alias(_KEPT), *named))
    # A stage may fill in for what is missing.
    has_numbers = reduce(and_, (F.col(number).isNotNull() for number in numbers), F.lit(True))
    return scored.select(f"{_KEPT}.*", F.when(has_numbers, probability).alias(name), *after)
