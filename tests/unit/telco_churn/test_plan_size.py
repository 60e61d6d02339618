"""The plan's size is what every start and every batch pays for, so it may not grow unnoticed."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from pyspark.sql import SparkSession
from saved_models import SHIPPED

from telco_churn.contract.parser import EventParser
from telco_churn.contract.schema import load_contract
from telco_churn.model.loading import load_model
from telco_churn.outcome.counted import make_observation
from telco_churn.outcome.routing import Routes
from telco_churn.pipeline import ChurnPipeline

KAFKA_COLUMNS = {
    **{"key": "BINARY", "value": "BINARY", "topic": "STRING", "partition": "INT"},
    **{"offset": "BIGINT", "timestamp": "TIMESTAMP"},
    "headers": "ARRAY<STRUCT<key: STRING, value: BINARY>>",
}
PROJECTIONS = 3
MOST_EXPRESSIONS = 1_700


@pytest.fixture(scope="module")
def plan(spark: SparkSession) -> Any:
    """The job's plan as Spark would run it."""
    parser = EventParser(load_contract("customer_event"))
    observation = make_observation(parser.fields)
    routes = Routes("predictions", "dead letters", "group")
    pipeline = ChurnPipeline(parser, load_model(SHIPPED), routes, observation)
    schema = ", ".join(f"{name} {kind}" for name, kind in KAFKA_COLUMNS.items())
    records = spark.createDataFrame([], schema).coalesce(1)
    executed: Any = pipeline.transform(records)._jdf.queryExecution()
    return executed.optimizedPlan()


def each(sequence: Any) -> list[Any]:
    return [sequence.apply(place) for place in range(sequence.size())]


def operators(node: Any) -> list[Any]:
    return [node, *(below for child in each(node.children()) for below in operators(child))]


def test_a_record_passes_three_projections(plan: Any) -> None:
    names = Counter(node.nodeName() for node in operators(plan))
    assert names["Project"] == PROJECTIONS, names


def test_the_plan_has_few_expressions(plan: Any) -> None:
    # An expression is a tree too.
    roots = [root for node in operators(plan) for root in each(node.expressions())]
    assert sum(len(operators(root)) for root in roots) <= MOST_EXPRESSIONS
