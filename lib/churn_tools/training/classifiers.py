"""What a model may be trained with, by the words of `--classifier`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pyspark.ml.classification import (
    DecisionTreeClassifier,
    GBTClassifier,
    LogisticRegression,
    RandomForestClassifier,
)


def _regression(_: int) -> LogisticRegression:
    # Every value of a category has a column of its own, so without any penalty there would be no
    # single best fit; this much changes no probability that shows.
    return LogisticRegression(regParam=1e-6, maxIter=200, tol=1e-8)


def _tree(seed: int) -> DecisionTreeClassifier:
    # Of few customers a leaf's share would be 0 or 1 by chance.
    return DecisionTreeClassifier(maxDepth=6, minInstancesPerNode=20, seed=seed)


def _forest(seed: int) -> RandomForestClassifier:
    return RandomForestClassifier(numTrees=100, maxDepth=8, minInstancesPerNode=5, seed=seed)


def _boosted_trees(seed: int) -> GBTClassifier:
    return GBTClassifier(maxIter=60, maxDepth=3, stepSize=0.15, minInstancesPerNode=20, seed=seed)


CLASSIFIERS: Mapping[str, Callable[[int], Any]] = {
    "lr": _regression,
    "dt": _tree,
    "rf": _forest,
    "gbt": _boosted_trees,
}
"""Each makes an estimator of Spark ML from a seed."""

DEFAULT = "lr"
"""The shipped model's."""

NAMES: Mapping[str, str] = {
    "LogisticRegressionModel": "logistic regression",
    "DecisionTreeClassificationModel": "decision tree",
    "RandomForestClassificationModel": "random forest",
    "GBTClassificationModel": "gradient-boosted trees",
    "NaiveBayesModel": "naive Bayes",
}
"""What people call a fitted classifier, by the name of Spark's class."""
