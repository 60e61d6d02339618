"""Holds a model to what a scorer promises, before any event is read.

A stage of Spark ML may drop a row, or throw. It shows when customers are scored who have every
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
from telco_churn.model.features import CATEGORICAL_FEATURES, FEATURES_SCHEMA, NUMERIC_FEATURES
from telco_churn.model.scoring import PROBABILITY, Scorer, with_probability

_UNSEEN = "never seen"
_ODD_NUMBERS = (None, math.nan, math.inf, -math.inf, 0.0)
_WHO = "who"


def try_out(scorer: Scorer, known: Mapping[str, Iterable[str]]) -> None:
    """Scores made-up customers, one for each null, unseen or known value and each odd number.

    Args:
        scorer: what is tried.
        known: the values of each category that the model was fitted to.

    Raises:
        ModelError: a customer gets no row or several, or a score that is no probability; or nobody
            gets one.
        PySparkException: the scorer throws, as Spark tells it.
    """
    customers = dict(_made_up(known))
    scores = _scores(scorer, customers)
    for who in customers:
        if len(scores[who]) != 1:
            fault = f"comes out as {len(scores[who])} rows instead of one"
            raise ModelError(f"a customer with {who} {fault}")
        (score,) = scores[who]
        if score is not None and not (math.isnan(score) or 0 <= score <= 1):
            raise ModelError(f"a customer with {who} gets {score}, which is no probability")
    if all(_is_missing(score) for found in scores.values() for score in found):
        raise ModelError("no customer gets a probability")


def _made_up(known: Mapping[str, Iterable[str]]) -> Iterator[tuple[str, dict[str, object]]]:
    """Customers by what is odd about them; the rest of each is usual."""
    zeros = dict.fromkeys(NUMERIC_FEATURES, 0.0)
    usual: dict[str, object] = {
        **{name: next(iter(known.get(name, ())), None) for name in CATEGORICAL_FEATURES},
        **zeros,
    }
    for name in CATEGORICAL_FEATURES:
        for value in (None, _UNSEEN, *known.get(name, ())):
            yield f"{name} {json.dumps(value)}", {**usual, name: value}
    for name in NUMERIC_FEATURES:
        for number in _ODD_NUMBERS:
            yield f"{name} {json.dumps(number)}", {**usual, name: number}
    yield "all null", dict.fromkeys(FEATURES_SCHEMA.names)
    # Events that are refused are scored too, whatever they hold, and the score is thrown away.
    yield "no category and all zero", {**dict.fromkeys(CATEGORICAL_FEATURES), **zeros}


def _scores(
    scorer: Scorer, customers: Mapping[str, Mapping[str, object]]
) -> Mapping[str, Sequence[float | None]]:
    """The scores of each, however many. Spark's optimizer computes them: constants need no job."""
    schema = StructType([StructField(_WHO, StringType()), *FEATURES_SCHEMA])
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
