"""What each feature does to the score: the mean probability, if all had one value of it.

Known as partial dependence. It says what the model does with a value, not what the value causes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from telco_churn.model.features import Features
from telco_churn.model.manifest import Effects
from telco_churn.model.scoring import PROBABILITY, Scorer, with_probability

_SAMPLE = 500
_QUANTILES = [tenth / 10 for tenth in range(11)]
# No feature begins with _.
_FEATURE, _TEXT, _NUMBER = "_feature", "_text", "_number"
_ASKED = f"{_FEATURE} STRING, {_TEXT} STRING, {_NUMBER} DOUBLE"

Asked = tuple[str, str | None, float | None]
"""A feature, and the value that all get: text or a number."""


def effects_of(scorer: Scorer, customers: DataFrame) -> Effects:
    """The mean probability by each value of each feature, over some hundred customers.

    Args:
        scorer: gives the probabilities.
        customers: have the columns that it reads; their values alone decide who is taken.
    """
    features = scorer.features
    whole = customers.select(*features.names)
    sample = whole.orderBy(F.xxhash64(*features.names)).limit(_SAMPLE).cache()
    try:
        asked = sample.sparkSession.createDataFrame(list(_asked(whole, features)), _ASKED)
        columns = [
            _changed(name, _TEXT if name in features.categories else _NUMBER).alias(name)
            for name in features.names
        ]
        changed = sample.crossJoin(F.broadcast(asked)).select(*asked.columns, *columns)
        means = with_probability(scorer, changed).groupBy(*asked.columns)
        rows = means.agg(F.avg(PROBABILITY).alias("mean")).orderBy(*asked.columns).collect()
    finally:
        sample.unpersist()
    categories: dict[str, dict[str, float]] = defaultdict(dict)
    numbers: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for feature, text, number, mean in rows:
        if number is None:
            categories[feature][text] = mean
        else:
            numbers[feature].append((number, mean))
    return Effects(dict(categories), {name: tuple(points) for name, points in numbers.items()})


def _asked(customers: DataFrame, features: Features) -> Iterator[Asked]:
    texts, numbers = features.categories, list(features.numbers)
    found = customers.select(*[F.collect_set(name).alias(name) for name in texts])
    for values in found.collect() if texts else ():
        yield from ((name, text, None) for name in texts for text in values[name])
    quantiles = customers.approxQuantile(numbers, _QUANTILES, 0.0)
    for name, points in zip(numbers, quantiles, strict=True):
        yield from ((name, None, point) for point in sorted(set(points)))


def _changed(name: str, value: str) -> Column:
    return F.when(F.col(_FEATURE) == name, F.col(value)).otherwise(F.col(name))
