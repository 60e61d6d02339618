"""What happens to a record, from the input topic to the output topics. Start reading here.

The plan is Spark expressions only, in three projections. No step drops a row: a record that is
refused is scored like any other, and its score is thrown away. So one plan and one sink serve
micro-batches, `--trigger once` and real-time mode, and records in = predictions + dead letters.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from stream_telemetry.batch.clock import nanoseconds_col, wall_clock_col
from stream_telemetry.batch.observation import Observation
from telco_churn.contract.parser import EventParser
from telco_churn.model.features import FEATURES_SCHEMA, valid_charges_col
from telco_churn.model.loading import Model
from telco_churn.outcome.counted import violation_counts_col
from telco_churn.outcome.dead_letters import bounded_value_cols
from telco_churn.outcome.routing import Routes, error_type_col, record_cols


@dataclass(frozen=True)
class ChurnPipeline:
    """Scores customer events."""

    parser: EventParser
    model: Model
    routes: Routes
    observation: Observation

    def transform(self, records: DataFrame) -> DataFrame:
        """The records to write, one for each record read.

        Args:
            records: as the Kafka source gives them: `key`, `value` BINARY, `topic` STRING,
                `partition` INT, `offset` BIGINT, `timestamp` TIMESTAMP, `headers` ARRAY<STRUCT>.

        Returns:
            `key` BINARY, `value` STRING, `topic` STRING, `headers` ARRAY<STRUCT>: for the sink,
            which passes over the figures `_observed_…` beside them.
        """
        return (
            records.transform(self.read)
            .transform(self.judge)
            .transform(self.answer)
            .transform(self.observation.count)
        )

    def read(self, records: DataFrame) -> DataFrame:
        """`event`: what can be read of the message, whatever it is."""
        started, event = nanoseconds_col(), self.parser.event_col()
        return records.select(
            *_ENVELOPE,
            *bounded_value_cols(),
            started.alias("started_ns"),
            event.alias("event"),
        )

    def judge(self, events: DataFrame) -> DataFrame:
        """`violations`: empty, or every broken rule; and `churn_probability`, right or not."""
        event = F.col("event")
        before = [
            *map(F.col, (*_ENVELOPE, "value", "truncated", "started_ns")),
            *(event[name].alias(name) for name in ("customerID", "event_ts")),
            # The clocks are read in this order: a refused record has its rules in `validated_ns`.
            self.parser.violations_col().alias("violations"),
            nanoseconds_col().alias("validated_ns"),
            nanoseconds_col().alias("featured_ns"),
        ]
        after = [nanoseconds_col().alias("scored_ns"), wall_clock_col().alias("scored_ts")]
        return self.model.scorer.select_scored(events, features_of(event), before, after)

    def answer(self, scored: DataFrame) -> DataFrame:
        """The prediction or the dead letter, and what is counted of it."""
        manifest = self.model.manifest
        computed = {
            "error_type": error_type_col(),
            "violation_counts": violation_counts_col(self.parser.fields),
        }
        return scored.select(
            *record_cols(self.routes, manifest.version, manifest.threshold),
            *self.observation.figures(computed),
        )


_ENVELOPE = ("key", "topic", "partition", "offset", "timestamp", "headers")


def features_of(event: Column) -> dict[str, Column]:
    """The model's columns, by name: STRING and DOUBLE, as `FEATURES_SCHEMA` has them.

    Args:
        event: STRUCT, as the contract reads it: of a valid event, or of whatever came.
    """
    features = {name: event[name] for name in FEATURES_SCHEMA.names}
    # A number or a text by the contract, so `from_json` reads it as STRING.
    return features | {"TotalCharges": valid_charges_col(event["TotalCharges"])}
