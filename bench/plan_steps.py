"""The plan of `telco_churn.pipeline`, cut off after each of its steps."""

from __future__ import annotations

from pyspark.sql import DataFrame

from stream_telemetry.batch.clock import nanoseconds_col, wall_clock_col
from telco_churn.outcome.counted import with_violation_counts
from telco_churn.outcome.dead_letters import with_bounded_value
from telco_churn.outcome.routing import with_error_type
from telco_churn.pipeline import ChurnPipeline, with_features


def plan_steps(pipeline: ChurnPipeline, records: DataFrame) -> dict[str, DataFrame]:
    """By name of its last step, the plan so far; the last one is the whole plan.

    A step's cost is the difference to the plan before it. It includes the clock that follows it,
    and carrying its columns on.
    """
    parser = pipeline.parser
    started = records.withColumn("started_ns", nanoseconds_col())
    bounded = started.transform(with_bounded_value)
    checked = bounded.transform(parser.with_event)
    validated = checked.transform(parser.with_violations).withColumn(
        "validated_ns", nanoseconds_col()
    )
    featured = validated.transform(with_features).withColumn("featured_ns", nanoseconds_col())
    scored = featured.transform(pipeline.model.scorer.with_probability).withColumns(
        {"scored_ns": nanoseconds_col(), "scored_ts": wall_clock_col()}
    )
    judged = scored.transform(with_error_type)
    counted = judged.transform(with_violation_counts, parser.fields)
    return {
        "read": records,
        "clock": started,
        "bounded value": bounded,
        "event (from_json)": checked.drop("is_accepted"),
        "rules (is_accepted)": checked,
        "violations": validated,
        "features": featured,
        "score": scored,
        "error type": judged,
        "observation": counted.transform(pipeline.observation.observe),
        "route, JSON, headers": pipeline.transform(records),
    }
