"""The plan's size is what every start and every batch pays for, so it may not grow unnoticed."""

from __future__ import annotations

from typing import Any

import pytest
from plans import expressions, job_plan, projections
from pyspark.sql import SparkSession
from saved_models import SHIPPED

from telco_churn.model.loading import load_model

PROJECTIONS = 3
MOST_EXPRESSIONS = 1_880
"""1,640 of them score and answer; 180 count what tells drift and accuracy; 40 name the slowest."""


@pytest.fixture(scope="module")
def plan(spark: SparkSession) -> Any:
    return job_plan(spark, load_model(SHIPPED))


def test_a_record_passes_three_projections(plan: Any) -> None:
    assert projections(plan) == PROJECTIONS, plan.toString()


def test_the_plan_has_few_expressions(plan: Any) -> None:
    assert expressions(plan) <= MOST_EXPRESSIONS
