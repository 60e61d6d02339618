"""Holds a model to what a scorer promises, before any event is read.

A stage of Spark ML may drop a row, or throw. It shows when events are scored that have every
oddity that can come in, and some that cannot.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StringType, StructField, StructType

from telco_churn.errors import ModelError
from telco_churn.model.features import Features
from telco_churn.model.scoring import PROBABILITY, Scorer, with_probability

WHO = "_who"
"""The column with the name of a made-up event; no feature begins so."""

_UNSEEN = "never seen"
_ODD_NUMBERS = (None, math.nan, math.inf, -math.inf)
_USUAL_NUMBER = 0.0


@dataclass(frozen=True)
class MadeUpEvents:
    """One for each null, unseen or known value and each odd number; the rest of each is usual.

    Attributes:
        features: that they have.
        known: the values of each category that the model was fitted to.
    """

    features: Features
    known: Mapping[str, Iterable[str]]

    @property
    def whole(self) -> set[str]:
        """Those of which the model knows everything."""
        names = {f"{name} {_USUAL_NUMBER}" for name in self.features.numbers}
        return names | {
            f"{name} {json.dumps(value)}"
            for name in self.features.categories
            for value in self.known.get(name, ())
        }

    @cached_property
    def all(self) -> Mapping[str, Mapping[str, object]]:
        """Their features by name, which says what is odd about each."""
        return dict(self._made_up())

    def rows(self) -> DataFrame:
        """Their features, and `_who`. What is computed of them is constant, and needs no job."""
        schema = StructType([StructField(WHO, StringType()), *self.features.schema])
        texts = [json.dumps({WHO: who, **event}) for who, event in self.all.items()]
        places = ", ".join(["(?)"] * len(texts))
        rows = SparkSession.active().sql(f"SELECT * FROM VALUES {places} AS made_up(event)", texts)
        return rows.select(F.from_json("event", schema).alias("event")).select("event.*")

    def _made_up(self) -> Iterator[tuple[str, dict[str, object]]]:
        features, known = self.features, self.known
        zeros = dict.fromkeys(features.numbers, _USUAL_NUMBER)
        usual: dict[str, object] = {
            **{name: next(iter(known.get(name, ())), None) for name in features.categories},
            **zeros,
        }
        for name in features.categories:
            for value in (None, _UNSEEN, *known.get(name, ())):
                yield f"{name} {json.dumps(value)}", {**usual, name: value}
        for name in features.numbers:
            for number in (*_ODD_NUMBERS, _USUAL_NUMBER):
                yield f"{name} {json.dumps(number)}", {**usual, name: number}
        yield "all null", dict.fromkeys(features.names)
        # Events that are refused are scored too, whatever they hold, and the score is thrown away.
        yield "no category and all zero", {**dict.fromkeys(features.categories), **zeros}


def try_out(scorer: Scorer, events: MadeUpEvents) -> None:
    """Scores made-up events.

    Raises:
        ModelError: an event gets no row or several, or a score that is no probability; or none,
            though the model knows everything of it.
        PySparkException: the scorer throws, as Spark tells it.
    """
    scores = _scores(scorer, events.rows())
    for who in events.all:
        if len(scores[who]) != 1:
            fault = f"comes out as {len(scores[who])} rows instead of one"
            raise ModelError(f"an event with {who} {fault}")
        (score,) = scores[who]
        if score is not None and not (math.isnan(score) or 0 <= score <= 1):
            raise ModelError(f"an event with {who} gets {score}, which is no probability")
    if all(_is_missing(score) for found in scores.values() for score in found):
        raise ModelError("no event gets a probability")
    for who in sorted(events.whole):
        if _is_missing(scores[who][0]):
            raise ModelError(f"an event with {who} gets no probability, though it lacks nothing")


def _scores(scorer: Scorer, events: DataFrame) -> Mapping[str, Sequence[float | None]]:
    """The scores of each, however many."""
    scores: dict[str, list[float | None]] = defaultdict(list)
    for row in with_probability(scorer, events).collect():
        scores[row[WHO]].append(row[PROBABILITY])
    return scores


def _is_missing(score: float | None) -> bool:
    return score is None or math.isnan(score)
