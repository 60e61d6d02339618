"""Scores batches of customer events by scikit-learn, as one who has the model there would do it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from loop_scoring import FastScorer
from numpy.typing import NDArray
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from weights import Weights

Features = Mapping[str, Any]


class SklearnScorer:
    """The contract's rules by hand, as `FastScorer` has them; the score by a pipeline."""

    def __init__(self, weights: Weights) -> None:
        self._rules = FastScorer(weights)
        self._categories, self._numbers = list(weights.categories), list(weights.numbers)
        self._pipeline = pipeline_of(weights)

    def accept(self, event: Any) -> Features | None:
        """The event's features; None if it breaks the contract."""
        terms = self._rules.accept(event)
        if terms is None:
            return None
        numbers = zip(self._numbers, terms[len(self._categories) :], strict=True)
        return {**{name: event[name] for name in self._categories}, **dict(numbers)}

    def probabilities(self, accepted: Sequence[Features]) -> NDArray[np.float64]:
        """Probabilities of leaving, for a batch of accepted events."""
        if not accepted:
            return np.empty(0)
        probabilities: NDArray[np.float64] = self._pipeline.predict_proba(accepted)[:, 1]
        return probabilities


def pipeline_of(weights: Weights) -> Pipeline:
    """A fitted pipeline with these weights, from dictionaries of features to probabilities."""
    # The sparse matrix that is its default takes longer for so few columns.
    vectorizer = DictVectorizer(sparse=False)
    vectorizer.fit(
        [
            *({name: value} for name, terms in weights.categories.items() for value in terms),
            dict(weights.numbers),
        ]
    )
    categories = {
        f"{name}{vectorizer.separator}{value}": term
        for name, terms in weights.categories.items()
        for value, term in terms.items()
    }
    by_column = {**categories, **weights.numbers}
    regression = LogisticRegression()
    regression.classes_ = np.array([0, 1])
    regression.coef_ = np.array([[by_column[name] for name in vectorizer.feature_names_]])
    regression.intercept_ = np.array([weights.intercept])
    return make_pipeline(vectorizer, regression)
