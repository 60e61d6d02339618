"""What each step of the plan costs a record: one core, records in memory, no Kafka.

All figures come from one process and alternating rounds, so compare them only with each other.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace

from in_memory import DISTINCT_RECORDS, cached_records
from plan_steps import plan_steps
from pyspark.ml import PipelineModel
from pyspark.sql import DataFrame, SparkSession
from rounds import Rounds, Variant
from table import print_machine, print_table

from launcher.java import use_chosen_java
from telco_churn.contract.parser import EventParser
from telco_churn.contract.schema import load_contract
from telco_churn.model.loading import load_model
from telco_churn.model.manifest import PIPELINE_NAME
from telco_churn.model.spark_ml.pipeline_scorer import PipelineScorer
from telco_churn.outcome.counted import make_observation
from telco_churn.outcome.routing import Routes
from telco_churn.paths import project_home
from telco_churn.pipeline import ChurnPipeline
from telco_churn.query.session import SQL_SETTINGS
from telco_churn.query.source_and_sink import EVALUATION

MODEL = project_home() / "models" / "churn"
USUAL_BAD_RATIO = 0.01
ALL = "all"
ALL_FUSED = "all, whole-stage code generation on"
ALL_INTERPRETED = "all, interpreted"
BY_STAGES = "all, scored by the Spark ML stages"
ALL_BROKEN = {share: f"all, {100 * share:.0f} % broken" for share in (0.0, 0.1, 0.5)}


def start_session() -> SparkSession:
    """Spark on one core, with the job's SQL settings."""
    use_chosen_java()
    spark = (
        SparkSession.builder.master("local[1]")
        .appName("plan_cost")
        .config(map=SQL_SETTINGS)
        .config("spark.driver.memory", "2g")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.ui.enabled", False)
        .config("spark.ui.showConsoleProgress", False)
        # All plans together have more than the 100 that are kept; what is dropped starts cold.
        .config("spark.sql.codegen.cache.maxEntries", 1_000)
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    return spark


def print_steps(names: Sequence[str], cost: dict[str, float]) -> None:
    """Prints what each step adds, and its share of the whole."""
    total = cost[names[-1]]
    before = (0.0, *(cost[name] for name in names))
    rows = [
        (name, f"{cost[name] - less:.1f}", f"{(cost[name] - less) / total:.0%}")
        for name, less in zip(names, before, strict=False)
    ]
    print_table(("step", "core-µs a record", "share"), [*rows, (ALL, f"{total:.1f}", "100%")])


def print_variants(variants: Sequence[str], base: str, cost: dict[str, float]) -> None:
    """Prints variants beside `base`, which they are compared with."""
    rows = [(name, f"{cost[name]:.1f}", f"{cost[name] / cost[base]:.2f}") for name in variants]
    print()
    print_table(("variant", "core-µs a record", f"to “{base}”"), rows)


def whole_plans(
    spark: SparkSession, pipeline: ChurnPipeline, records: DataFrame, copies: int
) -> Iterator[Variant]:
    """The whole plan with one thing changed."""
    stages = PipelineModel.load(f"file://{MODEL / PIPELINE_NAME}")
    by_stages = replace(pipeline.model, scorer=PipelineScorer(stages))
    yield Variant(BY_STAGES, replace(pipeline, model=by_stages).transform(records))
    yield Variant(ALL_FUSED, pipeline.transform(records), {"spark.sql.codegen.wholeStage": "true"})
    interpreted = {EVALUATION: "NO_CODEGEN"}
    yield Variant(ALL_INTERPRETED, pipeline.transform(records), interpreted)
    for bad_ratio, name in ALL_BROKEN.items():
        yield Variant(name, pipeline.transform(cached_records(spark, bad_ratio, copies)))


def main() -> None:
    """Runs the benchmark, from command-line arguments."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--copies", type=int, default=1, help=f"of {DISTINCT_RECORDS:,} records")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="rows of the tables, such as all")
    options = parser.parse_args()
    spark = start_session()
    event_parser = EventParser(load_contract("customer_event"))
    routes = Routes("predictions", "dead letters", "bench")
    observation = make_observation(event_parser.fields)
    pipeline = ChurnPipeline(event_parser, load_model(MODEL), routes, observation)
    records = cached_records(spark, USUAL_BAD_RATIO, options.copies)
    steps = plan_steps(pipeline, records)
    variants = {name: Variant(name, plan) for name, plan in steps.items()}
    wholes = {plan.name: plan for plan in whole_plans(spark, pipeline, records, options.copies)}
    known = {**variants, ALL: Variant(ALL, pipeline.transform(records)), **wholes}
    if unknown := set(options.only or ()) - known.keys():
        parser.error(f"unknown {sorted(unknown)}; known: {list(known)}")
    rows = options.copies * DISTINCT_RECORDS
    chosen = [known[name] for name in options.only or known]
    cost = Rounds(spark, rows).microseconds_a_row(chosen, options.rounds)
    print(f"{rows:,} records, {USUAL_BAD_RATIO:.0%} broken; median of {options.rounds} rounds")
    print_machine()
    if options.only:
        print_variants(options.only, options.only[0], cost)
        return
    print_steps(list(steps), cost)
    print_variants((ALL, *wholes), ALL, cost)


if __name__ == "__main__":
    main()
