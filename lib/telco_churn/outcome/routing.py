"""Decides each record's fate and writes it down: a prediction, or a dead letter."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from stream_telemetry.batch.clock import milliseconds_between_col
from telco_churn.contract.framing import own_headers_col
from telco_churn.contract.parser import MAX_ENVELOPE_BYTES, bytes_col, envelope_bytes_col
from telco_churn.model.features import NUMERIC_FEATURES
from telco_churn.outcome import source_headers
from telco_churn.outcome.dead_letters import JSON_OPTIONS, dead_letter_col


@dataclass(frozen=True)
class Routes:
    """Where records go, and the name under which the job reads."""

    predictions: str
    dead_letters: str
    consumer_group: str


def with_error_type(scored: DataFrame) -> DataFrame:
    """Adds `error_type` STRING: the step that refused the record, null for a good one.

    Args:
        scored: with `violations`, the numeric features and `churn_probability` DOUBLE.
    """
    has_features = F.lit(True)
    for name in NUMERIC_FEATURES:
        has_features = has_features & F.col(name).isNotNull()
    probability = F.col("churn_probability")
    # NaN is beyond any number in Spark, so not between these two either.
    is_probability = F.coalesce(probability.between(0.0, 1.0), F.lit(False))
    return scored.withColumn(
        "error_type",
        F.when(F.size("violations") > 0, "validation_error")
        .when(~has_features, "processing_error")
        .when(~is_probability, "inference_error"),
    )


def to_records(outcomes: DataFrame, routes: Routes, version: str, threshold: float) -> DataFrame:
    """The records to write.

    Args:
        outcomes: with the source's columns, `event`, `churn_probability`, `error_type`,
            `violations` and the clocks `started_ns`, `featured_ns`, `scored_ns`, `scored_ts`.
        routes: the topics to write to.
        version: of the model.
        threshold: least probability that makes the prediction `Yes`.

    Returns:
        `key` BINARY, `value` STRING (JSON), `topic` STRING,
        `headers` ARRAY<STRUCT<key STRING, value BINARY>>.
    """
    is_good = F.isnull("error_type")
    # A good record's key and headers passed the contract; those of a refused one have any size.
    fits = is_good | (envelope_bytes_col() <= MAX_ENVELOPE_BYTES)
    key_fits = bytes_col("key") <= MAX_ENVELOPE_BYTES
    own_headers = F.when(F.col("headers").isNotNull() & fits, own_headers_col())
    return outcomes.select(
        F.when(key_fits, F.col("key")).alias("key"),
        F.when(is_good, _prediction(version, threshold))
        .otherwise(dead_letter_col(routes.consumer_group))
        .alias("value"),
        F.when(is_good, routes.predictions).otherwise(routes.dead_letters).alias("topic"),
        # `concat` gives null when one of its arrays is null.
        F.when(own_headers.isNull(), _source_headers())
        .otherwise(F.concat(own_headers, _source_headers()))
        .alias("headers"),
    )


def _prediction(version: str, threshold: float) -> Column:
    probability = F.col("churn_probability")
    prediction = F.struct(
        F.col("event.customerID").alias("customerID"),
        probability.alias("churn_probability"),
        F.when(probability >= threshold, "Yes").otherwise("No").alias("prediction"),
        F.col("event.event_ts").alias("event_ts"),
        F.col("scored_ts").alias("processed_ts"),
        F.lit(version).alias("model_version"),
        milliseconds_between_col("featured_ns", "scored_ns").alias("inference_latency_ms"),
    )
    return F.to_json(prediction, JSON_OPTIONS)


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
    return F.array(
        *(
            F.struct(F.lit(name).alias("key"), value.cast("binary").alias("value"))
            for name, value in values.items()
        )
    )
