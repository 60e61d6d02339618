"""The plan of `telco_churn.pipeline`, cut off after each of its steps."""

from __future__ import annotations

from pyspark.sql import DataFrame

from telco_churn.pipeline import ChurnPipeline


def plan_steps(pipeline: ChurnPipeline, records: DataFrame) -> dict[str, DataFrame]:
    """By name of its last step, the plan so far; the last one is the whole plan.

    A step's cost is the difference to the plan before it. It includes carrying its columns on.
    """
    events = records.transform(pipeline.read)
    judged = events.transform(pipeline.judge)
    return {
        "as it came": records,
        "read: from_json": events,
        "judge: rules, score": judged,
        "answer: JSON, headers, figures": judged.transform(pipeline.answer),
        "counted": pipeline.transform(records),
    }
