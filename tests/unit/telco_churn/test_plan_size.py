"""The plan's size is what every start and every batch pays for, so it may not grow unnoticed."""

from __future__ import annotations

from typing import Any

import pytest
from plans import expressions, optimized, projections
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
    return optimized(pipeline.transform(records))


def test_a_record_passes_three_projections(plan: Any) -> None:
    assert projections(plan) == PROJECTIONS, plan.toString()


def test_the_plan_has_few_expressions(plan: Any) -> None:
    assert expressions(plan) <= MOST_EXPRESSIONS
