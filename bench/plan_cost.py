"""What each step of the plan costs a record: one core, records in memory, no Kafka.

    python bench/plan_cost.py [--copies N] [--rounds N] [--only NAME …]

All figures come from one process and alternating rounds, so compare them only with each other. One
per cent of the records is broken; `broken.py` has other shares.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from figures import Table, arguments, beside_first, tell
from in_memory import DISTINCT_RECORDS, cached_records
from plan_steps import plan_steps
from pyspark.ml import PipelineModel
from pyspark.sql import DataFrame, SparkSession
from rounds import Rounds, Variant

from launcher.java import use_chosen_java
from telco_churn.contract.parser import EventParser
from telco_churn.model.loading import Model, load_model
from telco_churn.model.manifest import PIPELINE_NAME
from telco_churn.model.spark_ml.pipeline_scorer import PipelineScorer
from telco_churn.outcome.routing import Routes
from telco_churn.paths import project_home
from telco_churn.pipeline import ChurnPipeline
from telco_churn.query.session import SQL_SETTINGS
from telco_churn.query.source_and_sink import INTERPRETED
from telco_churn.record.kind import read_kind

MODEL = project_home() / "models" / "churn"
KIND = read_kind(project_home() / "conf" / "contracts")
USUAL_BAD_RATIO = 0.01
ALL = "all"
ALL_FUSED = "all, whole-stage code generation on"
ALL_INTERPRETED = "all, interpreted"
WITH_SHADOW = "all, with a shadow"
SHADOW_INTERPRETED = "all, with a shadow, interpreted"
BY_STAGES = "all, scored by the Spark ML stages"


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


def shipped_pipeline(shadow: Model | None = None) -> ChurnPipeline:
    """The job's plan, with the contract and the model of this project."""
    parser = EventParser(KIND.event)
    routes = Routes("predictions", "dead letters", "bench")
    model = load_model(MODEL)
    return ChurnPipeline.by(model, kind=KIND, parser=parser, routes=routes, shadow=shadow)


def of_steps(names: Sequence[str], cost: Mapping[str, float]) -> Table:
    """What each step adds, and its share of the whole."""
    total = cost[names[-1]]
    before = (0.0, *(cost[name] for name in names))
    rows = {
        name: (cost[name] - less, (cost[name] - less) / total)
        for name, less in zip(names, before, strict=False)
    }
    columns = {"core-µs a record": ".1f", "share": ".0%"}
    return Table("step", columns, {**rows, ALL: (total, 1.0)})


def of_variants(names: Sequence[str], cost: Mapping[str, float]) -> Table:
    """Variants beside the first one, which they are compared with."""
    rows = beside_first({name: cost[name] for name in names})
    return Table("variant", {"core-µs a record": ".1f", f"to “{names[0]}”": ".2f"}, rows)


def whole_plans(pipeline: ChurnPipeline, records: DataFrame) -> Iterator[Variant]:
    """The whole plan with one thing changed."""
    stages = PipelineModel.load(f"file://{MODEL / PIPELINE_NAME}")
    by_stages = replace(pipeline.model, scorer=PipelineScorer(stages, KIND.features))
    yield Variant(BY_STAGES, replace(pipeline, model=by_stages).transform(records))
    yield Variant(ALL_FUSED, pipeline.transform(records), {"spark.sql.codegen.wholeStage": "true"})
    yield Variant(ALL_INTERPRETED, pipeline.transform(records), INTERPRETED)
    # The same model beside itself: the score of a logistic regression, and the comparison.
    with_shadow = shipped_pipeline(shadow=pipeline.model).transform(records)
    yield Variant(WITH_SHADOW, with_shadow)
    yield Variant(SHADOW_INTERPRETED, with_shadow, INTERPRETED)


def main() -> None:
    """Runs the benchmark, from command-line arguments."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--copies", type=int, default=1, help=f"of {DISTINCT_RECORDS:,} records")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="rows of the tables, such as all")
    options = parser.parse_args()
    spark, pipeline = start_session(), shipped_pipeline()
    records = cached_records(spark, USUAL_BAD_RATIO, options.copies)
    steps = plan_steps(pipeline, records)
    variants = {name: Variant(name, plan) for name, plan in steps.items()}
    wholes = {plan.name: plan for plan in whole_plans(pipeline, records)}
    known = {**variants, ALL: Variant(ALL, pipeline.transform(records)), **wholes}
    if unknown := set(options.only or ()) - known.keys():
        parser.error(f"unknown {sorted(unknown)}; known: {list(known)}")
    chosen = [known[name] for name in options.only or known]
    rounds = Rounds(spark, options.copies * DISTINCT_RECORDS)
    cost = rounds.microseconds_a_row(chosen, options.rounds)
    if options.only:
        tables = [of_variants(options.only, cost)]
    else:
        tables = [of_steps(list(steps), cost), of_variants((ALL, *wholes), cost)]
    tell(tables, options.figures)


if __name__ == "__main__":
    main()
