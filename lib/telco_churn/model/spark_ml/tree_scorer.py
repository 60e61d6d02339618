"""Scores by trees that were compiled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from telco_churn.model.features import Features
from telco_churn.model.scoring import MODEL_PREFIX, PROBABILITY, select_by_names
from telco_churn.model.spark_ml.saved_stages import SavedStage
from telco_churn.model.spark_trees.compiled_trees import CompiledTrees, compile_trees
from telco_churn.model.spark_trees.elements import NotRestatedError

_SCORE = f"{MODEL_PREFIX}score"


@dataclass(frozen=True)
class TreeScorer:
    """Scores by the trees of a pipeline, without the stages before them."""

    trees: CompiledTrees
    features: Features

    def select_scored(
        self,
        customers: DataFrame,
        features: Mapping[str, Column],
        before: Sequence[Column],
        after: Sequence[Column],
        name: str = PROBABILITY,
    ) -> DataFrame:
        """See `Scorer`."""

        def transform(rows: DataFrame) -> DataFrame:
            return self.trees.with_probability(rows, _SCORE)

        numbers, score = self.features.numbers, F.col(_SCORE)
        return select_by_names(customers, features, numbers, before, after, transform, score, name)

    def probability_col(self, features: Mapping[str, Column]) -> None:
        """See `Scorer`: Spark's own walk through the trees adds columns."""


def compile_pipeline(stages: Sequence[SavedStage], features: Features) -> TreeScorer | None:
    """What gives the same probabilities as the pipeline; None if that cannot be."""
    try:
        return TreeScorer(compile_trees(stages, features.schema), features)
    except NotRestatedError:
        return None
