"""Decides each record's fate and writes it down: a prediction, or a dead letter."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pyspark.sql import Column
from pyspark.sql import functions as F

from stream_telemetry.batch.clock import milliseconds_between_col
from telco_churn.contract.framing import own_headers_col
from telco_churn.contract.limits import MAX_ENVELOPE_BYTES, bytes_col, envelope_bytes_col
from telco_churn.model.scoring import PROBABILITY
from telco_churn.outcome import source_headers
from telco_churn.outcome.dead_letters import JSON_OPTIONS, dead_letter_col
from telco_churn.record.prediction_form import PredictionForm

_HEADERS = "array<struct<key:string,value:binary>>"


@dataclass(frozen=True)
class Routes:
    """Where records go, and the name under which the job reads."""

    predictions: str
    dead_letters: str
    consumer_group: str


def error_type_col() -> Column:
    """STRING: the step that refused the record, null for a good one.

    Reads `violations` ARRAY, and `_probability` DOUBLE: null where a number that the model needs
    cannot be computed.
    """
    probability = F.col(PROBABILITY)
    # NaN is beyond any number in Spark, so not between these two either.
    return (
        F.when(F.size("violations") > 0, "validation_error")
        .when(probability.isNull(), "processing_error")
        .when(~probability.between(0.0, 1.0), "inference_error")
    )


def is_good_col() -> Column:
    """BOOLEAN, null counts as false: `error_type_col` is null; a shorter way to say so."""
    return (F.size("violations") == 0) & F.col(PROBABILITY).between(0.0, 1.0)


def record_cols(
    routes: Routes, form: PredictionForm, version: str, threshold: float
) -> list[Column]:
    """The record to write.

    Reads the source's columns, `truncated`, `event_id`, `event_time`, `_probability`,
    `violations` and the clocks `started_ns`, `featured_ns`, `scored_ns`, `scored_ts`.

    Args:
        routes: the topics to write to.
        form: what a prediction looks like.
        version: of the model.
        threshold: least probability that makes the decision yes.

    Returns:
        `key` BINARY, `value` STRING (JSON), `topic` STRING,
        `headers` ARRAY<STRUCT<key STRING, value BINARY>>.
    """
    is_good = is_good_col()
    letter = dead_letter_col(routes.consumer_group, error_type_col())
    return [
        F.when(bytes_col("key") <= MAX_ENVELOPE_BYTES, F.col("key")).alias("key"),
        F.when(is_good, _prediction(form, version, threshold)).otherwise(letter).alias("value"),
        F.when(is_good, routes.predictions).otherwise(routes.dead_letters).alias("topic"),
        F.concat(_kept_headers(), _source_headers()).alias("headers"),
    ]


def _kept_headers() -> Column:
    """The record's own headers, unless they are too large; never null."""
    # A good record's key and headers passed the contract; those of a refused one have any size.
    fits = (F.size("violations") == 0) | (envelope_bytes_col() <= MAX_ENVELOPE_BYTES)
    kept = F.when(F.col("headers").isNotNull() & fits, own_headers_col())
    return F.coalesce(kept, F.array().cast(_HEADERS))


def _prediction(form: PredictionForm, version: str, threshold: float) -> Column:
    probability = F.col(PROBABILITY)
    by_role = {
        "id": F.col("event_id"),
        "time": F.col("event_time"),
        "probability": probability,
        "decision": F.when(probability >= threshold, form.yes).otherwise(form.no),
        "scored_time": F.col("scored_ts"),
        "model_version": F.lit(version),
        "latency_ms": milliseconds_between_col("featured_ns", "scored_ns"),
    }
    fields = [by_role[role].alias(name) for role, name in form.names.items()]
    return F.to_json(F.struct(*fields), JSON_OPTIONS)


def _source_headers() -> Column:
    """Where the record came from: what makes a duplicate after a crash recognisable."""
    latency = F.round(milliseconds_between_col("started_ns", "scored_ns"), 3)
    values = {
        source_headers.TOPIC: F.col("topic"),
        source_headers.PARTITION: F.col("partition").cast("string"),
        source_headers.OFFSET: F.col("offset").cast("string"),
        source_headers.TIMESTAMP: F.unix_millis("timestamp").cast("string"),
        source_headers.LATENCY: latency.cast("string"),
    }
    # One cast gives all pairs their names and types.
    pairs = F.arrays_zip(F.lit(np.array(list(values))), F.array(*values.values()))
    return pairs.cast(_HEADERS)
