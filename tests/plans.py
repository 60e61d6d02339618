"""How large a plan of Spark SQL is."""

from __future__ import annotations

from collections import Counter
from typing import Any

from churn_kind import CHURN
from pyspark.sql import DataFrame, SparkSession

from telco_churn.contract.parser import EventParser
from telco_churn.model.loading import Model
from telco_churn.outcome.routing import Routes
from telco_churn.pipeline import ChurnPipeline
from telco_churn.record.kind import RecordKind

_KAFKA_COLUMNS = {
    **{"key": "BINARY", "value": "BINARY", "topic": "STRING", "partition": "INT"},
    **{"offset": "BIGINT", "timestamp": "TIMESTAMP"},
    "headers": "ARRAY<STRUCT<key: STRING, value: BINARY>>",
}


def job_plan(spark: SparkSession, model: Model, shadow: Model | None = None) -> Any:
    """The job's plan as Spark would run it."""
    pipeline = watched_pipeline(model, shadow=shadow)
    schema = ", ".join(f"{name} {kind}" for name, kind in _KAFKA_COLUMNS.items())
    return optimized(pipeline.transform(spark.createDataFrame([], schema).coalesce(1)))


def watched_pipeline(
    model: Model, kind: RecordKind = CHURN, shadow: Model | None = None
) -> ChurnPipeline:
    """The job's own, which tells of the model too, and of a shadow."""
    parser, routes = EventParser(kind.event), Routes("predictions", "dead letters", "group")
    return ChurnPipeline.by(model, kind=kind, parser=parser, routes=routes, shadow=shadow)


def optimized(frame: DataFrame) -> Any:
    """The plan as Spark would run it."""
    query: Any = frame._jdf.queryExecution()
    return query.optimizedPlan()


def projections(plan: Any) -> int:
    return Counter(node.nodeName() for node in _operators(plan))["Project"]


def expressions(plan: Any) -> int:
    # An expression is a tree too.
    roots = [root for node in _operators(plan) for root in _each(node.expressions())]
    return sum(len(_operators(root)) for root in roots)


def _each(sequence: Any) -> list[Any]:
    return [sequence.apply(place) for place in range(sequence.size())]


def _operators(node: Any) -> list[Any]:
    return [node, *(below for child in _each(node.children()) for below in _operators(child))]
