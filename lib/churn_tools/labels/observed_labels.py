"""What the plan tells the driver of predictions and labels, batch by batch.

Counts by model go by `approx_top_k`: it is exact up to as many kinds as it tracks, whatever the
models are called, and its size is bounded.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from stream_telemetry.metrics.of_model import FATES

JUDGED, REPEATED, MISSING, UNMATCHED = FATES
PAIRS, FIRST, MODEL = "label_pairs", "label_first", "label_model"
"""Names of what is observed of pairs, of the first one of each prediction, and of the model."""
JUDGEMENTS = 10_000
"""Kinds of judgements that one batch can tell apart: label, decision, score, version."""
NAMED = 20
"""Refused records of a batch whose coordinates are told."""


def count_pairs(pairs: DataFrame) -> DataFrame:
    """The same rows, those that are judged counted before repeated ones are left out."""
    return pairs.observe(PAIRS, _count_col(JUDGED))


def count_first(pairs: DataFrame) -> DataFrame:
    """The same rows, counted by fate, and by judgement."""
    judgements = F.expr(f"approx_top_k(judgement, {JUDGEMENTS}, {JUDGEMENTS})")
    fates = map(_count_col, (JUDGED, MISSING, UNMATCHED))
    return pairs.observe(FIRST, *fates, judgements.alias("judgements"))


def tell_model(predictions: DataFrame) -> DataFrame:
    """The same rows; tells `version` of the one with the latest `scored_at`."""
    return predictions.observe(MODEL, F.max_by("version", "scored_at").alias("version"))


def tell_refused(records: DataFrame, place: str) -> DataFrame:
    """The same rows; tells where some of the refused ones are, and the first rule that they break.

    Args:
        records: Kafka's columns, `refused` STRING, and `violations`.
        place: the name of what is observed begins with it.
    """
    violation = F.try_element_at("violations", F.lit(1))
    named = F.struct("topic", "partition", "offset", violation["field"], violation["code"])
    at = F.when(F.col("refused").isNotNull(), F.col("offset"))
    return records.observe(refused_in(place), F.min_by(named, at, NAMED).alias("records"))


def refused_in(place: str) -> str:
    """The name of what is observed of refused records there."""
    return f"{place}_refused"


def _count_col(fate: str) -> Column:
    return F.count_if(F.col("fate") == fate).alias(fate)
