"""Holds a model to what a scorer promises, before any event is read.

A stage of Spark ML may drop a row, or throw. It shows when events are scored that have every
oddity that can come in, and some that cannot.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StringType, StructField, StructType

from telco_churn.errors import ModelError
from telco_churn.model.features import Features
from telco_churn.model.scoring import PROBABILITY, Scorer, with_probability

_UNSEEN = "never seen"
_ODD_NUMBERS = (None, math.nan, math.inf, -math.inf, 0.0)
# No feature begins so.
_WHO = "_who"


def try_out(scorer: Scorer, known: Mapping[str, Iterable[str]]) -> None:
    """Scores made-up events, one for each null, unseen or known value and each odd number.

    Args:
        scorer: what is tried.
        known: the values of each category that the model was fitted to.

    Raises:
        ModelError: an event gets no row or several, or a score that is no probability; or none gets
            one.
        PySparkException: the scorer throws, as Spark tells it.
    """
    customers = dict(_made_up(scorer.features, known))
    scores = _scores(scorer, customers)
    for who in customers:
        if len(scores[who]) != 1:
            fault = f"comes out as {len(scores[who])} rows instead of one"
            raise ModelError(f"an event with {who} {fault}")
        (score,) = scores[who]
        if score is not None and not (math.isnan(score) or 0 <= score <= 1):
            raise ModelError(f"an event with {who} gets {score}, which is no probability")
    if all(_is_missing(score) for found in scores.values() for score in found):
        raise ModelError("no event gets a probability")


def _made_up(
    features: Features, known: Mapping[str, Iterable[str]]
) -> Iterator[tuple[str, dict[str, object]]]:
    """Customers by what is odd about them; the rest of each is usual."""
    zeros = dict.fromkeys(features.numbers, 0.0)
    usual: dict[str, object] = {
        **{name: next(iter(known.get(name, ())), None) for name in features.categories},
        **zeros,
    }
    for name in features.categories:
        for value in (None, _UNSEEN, *known.get(name, ())):
            yield f"{name} {json.dumps(value)}", {**usual, name: value}
    for name in features.numbers:
        for number in _ODD_NUMBERS:
            yield f"{name} {json.dumps(number)}", {**usual, name: number}
    yield "all null", dict.fromkeys(features.names)
    # Events that are refused are scored too, whatever they hold, and the score is thrown away.
    yield "no category and all zero", {**dict.fromkeys(features.categories), **zeros}


def _scores(
    scorer: Scorer, customers: Mapping[str, Mapping[str, object]]
) -> Mapping[str, Sequence[float | None]]:
    """The scores of each, however many. Spark's optimizer computes them: constants need no job."""
    schema = StructType([StructField(_WHO, StringType()), *scorer.features.schema])
    texts = [json.dumps({_WHO: who, **customer}) for who, customer in customers.items()]
    places = ", ".join(["(?)"] * len(texts))
    rows = SparkSession.active().sql(f"SELECT * FROM VALUES {places} AS made_up(customer)", texts)
    features = rows.select(F.from_json("customer", schema).alias("customer")).select("customer.*")
    scores: dict[str, list[float | None]] = defaultdict(list)
    for row in with_probability(scorer, features).collect():
        scores[row[_WHO]].append(row[PROBABILITY])
    return scores


def _is_missing(score: float | None) -> bool:
    return score is None or math.isnan(score)
