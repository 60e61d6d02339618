"""What the observation costs: the job's plan with it and without, in turn, on the same records.

"guide" has the guide's eleven buckets alone, so that the price of the finer ones is seen.

    python bench/telemetry_cost.py [THOUSANDS_OF_RECORDS] [ROUNDS]

Kafka is left out, on one core, so that the share of the plan is seen; with Kafka at both ends the
share of the whole is smaller still.
"""

from __future__ import annotations

import itertools
import json
import statistics
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from unittest.mock import patch

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from churn_tools.customers.synthetic import synthetic_customers
from launcher.java import use_chosen_java
from stream_telemetry.batch import observation as observation_module
from stream_telemetry.batch.observation import Observation
from telco_churn import pipeline
from telco_churn.contract.parser import EventParser
from telco_churn.contract.schema import load_contract
from telco_churn.model.loading import load_model
from telco_churn.outcome.counted import make_observation
from telco_churn.outcome.routing import Routes
from telco_churn.query.session import SQL_SETTINGS

GUIDES_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
HOME = Path(__file__).resolve().parents[1]


class Silent(Observation):
    """Observes nothing."""

    def figures(self, computed: Mapping[str, Column] = MappingProxyType({})) -> list[Column]:
        """None."""
        return []

    def count(self, records: DataFrame) -> DataFrame:
        """The records as they are."""
        return records


def main(thousands: int, rounds: int) -> None:
    """Prints one line for each plan, and the difference."""
    use_chosen_java()
    spark = (
        SparkSession.builder.master("local[1]")
        .config(map=SQL_SETTINGS)
        .config("spark.ui.enabled", False)
        .config("spark.ui.showConsoleProgress", False)
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    records = _records(spark, thousands)
    parser = EventParser(load_contract("customer_event"))
    observation = make_observation(parser.fields)
    silent = Silent(observation.operations, observation.finished)
    observed_plan = pipeline.ChurnPipeline(
        parser, load_model(HOME / "models" / "churn"), Routes("p", "d", "g"), observation
    )
    plans = {
        "without": replace(observed_plan, observation=silent).transform(records),
        "guide": _with_guides_buckets(observed_plan, records),
        "with": observed_plan.transform(records),
    }
    seconds: dict[str, list[float]] = {name: [] for name in plans}
    for number in range(rounds + 1):
        for name, plan in plans.items():
            seconds[name].append(_task_seconds(spark, plan, f"{name} {number}"))
    count = thousands * 1000
    # The first round is spent on compiling.
    cost = {name: statistics.median(times[1:]) / count * 1e6 for name, times in seconds.items()}
    for name, each in cost.items():
        print(f"{name:8} {each:6.2f} core-µs a record")
    for name, before in (("with", "without"), ("with", "guide")):
        more = cost[name] - cost[before]
        print(f"{name} over {before}: {more:.2f} core-µs a record, {more / cost[before]:.1%}")


def _with_guides_buckets(plan: pipeline.ChurnPipeline, records: DataFrame) -> DataFrame:
    with (
        patch.object(observation_module, "PROCESSING_BUCKETS", GUIDES_BUCKETS),
        patch.object(observation_module, "END_TO_END_BUCKETS", GUIDES_BUCKETS),
    ):
        return plan.transform(records)


def _task_seconds(spark: SparkSession, plan: DataFrame, group: str) -> float:
    """Processor time of the tasks alone: no planning, no JIT compiler, no other program."""
    context = spark.sparkContext
    context.setJobGroup(group, group)
    plan.write.format("noop").mode("overwrite").save()
    tracker = context.statusTracker()
    jobs = [tracker.getJobInfo(number) for number in tracker.getJobIdsForGroup(group)]
    store = context._jsc.sc().statusStore()
    stages = [stage for job in jobs if job is not None for stage in job.stageIds]
    return sum(float(store.lastStageAttempt(stage).executorCpuTime()) for stage in stages) / 1e9


def _records(spark: SparkSession, thousands: int) -> DataFrame:
    rows = [
        (
            bytearray(str(event["customerID"]).encode()),
            bytearray(json.dumps(event).encode()),
            number,
        )
        for number, event in enumerate(itertools.islice(synthetic_customers(1), 1000))
    ]
    thousand = spark.createDataFrame(rows, "key BINARY, value BINARY, offset BIGINT")
    records = (
        thousand.crossJoin(spark.range(thousands).select())
        .withColumns(
            {
                "topic": F.lit("raw"),
                "partition": F.lit(0),
                "timestamp": F.current_timestamp(),
                "headers": F.lit(None).cast("array<struct<key: string, value: binary>>"),
            }
        )
        # One task, so that the figures are those of one core.
        .coalesce(1)
        .cache()
    )
    records.count()
    return records


if __name__ == "__main__":
    main(*map(int, sys.argv[1:] or ["300", "4"]))
