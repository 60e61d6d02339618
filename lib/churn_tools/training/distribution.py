"""What customers are like, as shares: for telling later whether others have come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from telco_churn.model.features import Features
from telco_churn.model.manifest import Histogram, TrainingDistribution
from telco_churn.model.scoring import PROBABILITY

_TENTHS = [tenth / 10 for tenth in range(1, 10)]


def distribution_of(scored: DataFrame, features: Features) -> TrainingDistribution:
    """The shares of each feature's values, and of the scores.

    Args:
        scored: the features and `_probability`, as `with_probability` gives them.
        features: that the model reads.
    """
    quantiles = scored.approxQuantile(list(features.numbers), [0.0, *_TENTHS], 0.0)
    edges = {
        # A number with few values has equal tenths; its least value bounds no bin from above.
        name: tuple(sorted({point for point in points if point > points[0]}))
        for name, points in zip(features.numbers, quantiles, strict=True)
    }
    histograms = _histograms(scored, {**edges, PROBABILITY: tuple(_TENTHS)})
    return TrainingDistribution(
        categories=_category_shares(scored, features.categories),
        numbers={name: histograms[name] for name in features.numbers},
        scores=histograms[PROBABILITY],
    )


def _category_shares(customers: DataFrame, names: Sequence[str]) -> dict[str, dict[str, float]]:
    shares: dict[str, dict[str, float]] = {name: {} for name in names}
    if not names:
        return shares
    total = customers.count()
    long_form = customers.unpivot([], [*map(F.col, names)], "feature", "value")
    for row in long_form.where("value IS NOT NULL").groupBy("feature", "value").count().collect():
        shares[row["feature"]][row["value"]] = row["count"] / total
    return shares


def _histograms(
    customers: DataFrame, edges: Mapping[str, tuple[float, ...]]
) -> dict[str, Histogram]:
    """The shares of all bins, in one pass over the customers."""
    reached: list[Column] = [
        F.avg((F.col(name) >= edge).cast("double")) for name, row in edges.items() for edge in row
    ]
    shares = iter(customers.select(*reached).collect()[0])
    histograms = {}
    for name, row in edges.items():
        at_least = [1.0, *(next(shares) for _ in row), 0.0]
        bins = tuple(upper - lower for upper, lower in pairwise(at_least))
        histograms[name] = Histogram(edges=row, shares=bins)
    return histograms
