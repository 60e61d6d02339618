"""Scores by trees that were compiled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from telco_churn.model.features import FEATURES_SCHEMA
from telco_churn.model.scoring import CLASS_PROBABILITIES, MODEL_PREFIX, select_by_names
from telco_churn.model.spark_ml.saved_stages import SavedStage
from telco_churn.model.spark_trees.compiled_trees import CompiledTrees, compile_trees
from telco_churn.model.spark_trees.elements import NotRestatedError

_SCORE = f"{MODEL_PREFIX}score"


@dataclass(frozen=True)
class TreeScorer:
    """Scores by the trees of a pipeline, without the stages before them."""

    trees: CompiledTrees

    def select_scored(
        self,
        customers: DataFrame,
        features: Mapping[str, Column],
        before: Sequence[Column],
        after: Sequence[Column],
    ) -> DataFrame:
        """See `Scorer`."""

        def transform(rows: DataFrame) -> DataFrame:
            return self.trees.with_probability(rows, _SCORE)

        return select_by_names(customers, features, before, after, transform, F.col(_SCORE))


def compile_pipeline(stages: Sequence[SavedStage]) -> TreeScorer | None:
    """What gives the same probabilities as the pipeline; None if that cannot be."""
    # Another column would hold them, and by its stages the pipeline could not be used either.
    if not stages or stages[-1].settings.get("probabilityCol") != CLASS_PROBABILITIES:
        return None
    try:
        return TreeScorer(compile_trees(stages, FEATURES_SCHEMA))
    except NotRestatedError:
        return None
