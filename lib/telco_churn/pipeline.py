"""What happens to a record, from the input topic to the output topics. Start reading here.

The plan is Spark expressions only. No step drops a row: a record that is refused goes through the
rest with neutral values, and its score is thrown away. So one plan and one sink serve
micro-batches, `--trigger once` and real-time mode, and records in = predictions + dead letters.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from stream_telemetry.batch.clock import nanoseconds_col, wall_clock_col
from stream_telemetry.batch.observation import Observation
from telco_churn.contract.parser import EventParser
from telco_churn.model.features import CATEGORICAL_FEATURES, NUMERIC_FEATURES, valid_charges_col
from telco_churn.model.loading import Model
from telco_churn.outcome.counted import with_violation_counts
from telco_churn.outcome.dead_letters import with_bounded_value
from telco_churn.outcome.routing import Routes, to_records, with_error_type


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
            `key` BINARY, `value` STRING, `topic` STRING, `headers` ARRAY<STRUCT>: for the sink.
        """
        manifest = self.model.manifest
        return (
            records.withColumn("started_ns", nanoseconds_col())
            .transform(with_bounded_value)
            .transform(self.parser.with_event)
            .transform(self.parser.with_violations)
            .withColumn("validated_ns", nanoseconds_col())
            .transform(with_features)
            .withColumn("featured_ns", nanoseconds_col())
            .transform(self.model.scorer.with_probability)
            .withColumns({"scored_ns": nanoseconds_col(), "scored_ts": wall_clock_col()})
            .transform(with_error_type)
            .transform(with_violation_counts, self.parser.fields)
            .transform(self.observation.observe)
            .transform(to_records, self.routes, manifest.version, manifest.threshold)
        )


def with_features(events: DataFrame) -> DataFrame:
    """Adds the model's columns: `CATEGORICAL_FEATURES` STRING, `NUMERIC_FEATURES` DOUBLE.

    Args:
        events: with `event` STRUCT and `violations` ARRAY. Where there are any, the features are
            neutral: no category, and zeros.
    """
    is_valid = F.size("violations") == 0
    event = F.col("event")
    numbers = {name: event[name] for name in NUMERIC_FEATURES}
    # A number or a text by the contract, so `from_json` reads it as STRING.
    numbers["TotalCharges"] = valid_charges_col(event["TotalCharges"])
    return events.withColumns(
        {name: F.when(is_valid, event[name]) for name in CATEGORICAL_FEATURES}
        | {name: F.when(is_valid, number).otherwise(0.0) for name, number in numbers.items()}
    )
