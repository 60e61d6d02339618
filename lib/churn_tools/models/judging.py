"""What a model is worth on given customers, and what these are like."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from churn_tools.training.data import LABEL
from churn_tools.training.distribution import distribution_of
from churn_tools.training.effects import effects_of
from churn_tools.training.evaluation import THRESHOLD_RULE, best_threshold, evaluate
from telco_churn.errors import ModelError
from telco_churn.model.manifest import Effects, Evaluation, TrainingDistribution
from telco_churn.model.scoring import PROBABILITY, Scorer, with_probability

DEFAULT_THRESHOLD = 0.5
_UPSIDE_DOWN = 0.4
"""An AUC below it is no bad luck."""


@dataclass(frozen=True)
class Judgement:
    """What a manifest says of a model besides its origin and files."""

    threshold: float
    threshold_rule: str
    evaluation: Evaluation | None
    distribution: TrainingDistribution
    effects: Effects


def judge(scorer: Scorer, customers: DataFrame, threshold: float | None) -> Judgement:
    """Scores the customers, and compares the scores to their labels where they have any.

    Args:
        scorer: the model.
        customers: as `read_customers` gives them; the label may be null.
        threshold: None chooses one by the labels.

    Raises:
        ModelError: customers get no probability, or those with label no get the higher ones.
    """
    scored = with_probability(scorer, customers).cache()
    try:
        _check_scores(scored)
        labelled = scored.where(F.col(LABEL).isNotNull()).select(LABEL, PROBABILITY)
        labels, probabilities = np.array(labelled.collect(), dtype=np.float64).reshape(-1, 2).T
        rule = "given by hand" if threshold is not None else "no labels to choose it by"
        evaluation = None
        if 0 < labels.sum() < len(labels):
            if threshold is None:
                threshold, rule = best_threshold(labels, probabilities), THRESHOLD_RULE
            evaluation = evaluate(labels, probabilities, threshold)
            _check_direction(evaluation)
        return Judgement(
            threshold=DEFAULT_THRESHOLD if threshold is None else threshold,
            threshold_rule=rule,
            evaluation=evaluation,
            distribution=distribution_of(scored, scorer.features),
            effects=effects_of(scorer, customers),
        )
    finally:
        scored.unpersist()


def _check_scores(scored: DataFrame) -> None:
    missing = F.count_if(F.col(PROBABILITY).isNull() | F.isnan(PROBABILITY)).alias("missing")
    counts = scored.select(F.count("*").alias("rows"), missing).first()
    assert counts is not None  # an aggregation without groups always has one row
    if counts["missing"]:
        raise ModelError(
            f"{counts['missing']} of {counts['rows']} rows get no probability, though they lack "
            "nothing"
        )


def _check_direction(evaluation: Evaluation) -> None:
    if evaluation.auc < _UPSIDE_DOWN:
        raise ModelError(
            f"AUC {evaluation.auc:.3f} on {evaluation.rows} rows: those with label no are scored "
            "above those with label yes; the probability of label 1 is taken, so let label 1 be "
            "yes, and fit it again"
        )
