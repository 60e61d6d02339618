"""What a score by trees costs: by the pipeline's stages, compiled, and as SQL expressions.

    python bench/tree_scores.py [--rounds N] [--customers N]

One core, customers in memory, by turns in one process; only ratios count. `small` is a job of 150
customers in 3 partitions, planned anew each time and interpreted; its CPU is that of the whole JVM.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from figures import Table, arguments, tell
from plan_cost import KIND, start_session
from pyspark.ml.classification import (
    DecisionTreeClassifier,
    GBTClassifier,
    RandomForestClassifier,
)
from pyspark.sql import DataFrame, SparkSession
from rounds import Rounds, Variant
from tree_expressions import by_expression, nested_total, walked_total
from watched import tree_seconds

from churn_tools.training.data import read_customers, write_synthetic_csv
from churn_tools.training.fit import pipeline_estimator
from telco_churn.model.scoring import PROBABILITY, Scorer, with_probability
from telco_churn.model.spark_ml.pipeline_scorer import PipelineScorer, restore_pipeline
from telco_churn.model.spark_ml.saved_stages import SavedStage, read_stages
from telco_churn.model.spark_ml.tree_scorer import compile_pipeline
from telco_churn.model.spark_trees.compiled_trees import restate_trees
from telco_churn.query.source_and_sink import INTERPRETED

FITTED_TO = 3_000
SMALL, SMALL_JOBS = 150, 10
STAGES = "its stages"

Way = Callable[[DataFrame], DataFrame]


def classifiers() -> dict[str, Any]:
    """What is trained, by what the table calls it."""
    return {
        "one tree": DecisionTreeClassifier(),
        "20 boosted trees": GBTClassifier(maxIter=20, seed=1),
        "forest of 100": RandomForestClassifier(numTrees=100, seed=1),
    }


def trained(classifier: Any, customers: DataFrame, directory: Path) -> tuple[SavedStage, ...]:
    """The stages of a model of five levels, as they are read from its files."""
    pipeline = pipeline_estimator(KIND.features, classifier).fit(customers)
    pipeline.write().save(f"file://{directory}")
    return read_stages(directory)


def ways(stages: tuple[SavedStage, ...]) -> dict[str, Way]:
    """Ways to one probability, by name."""
    compiled = compile_pipeline(stages, KIND.features)
    restated = restate_trees(stages, KIND.features.schema)
    assert compiled is not None

    def scored(scorer: Scorer, customers: DataFrame) -> DataFrame:
        return with_probability(scorer, customers).select(PROBABILITY)

    return {
        STAGES: partial(scored, PipelineScorer(restore_pipeline(stages), KIND.features)),
        "compiled": partial(scored, compiled),
        "nested conditions": lambda rows: by_expression(rows, restated, nested_total),
        "walk in arrays": lambda rows: by_expression(rows, restated, walked_total),
    }


def small_job_ms(spark: SparkSession, way: Way, customers: DataFrame) -> float:
    """Core-milliseconds of a small job; the plan is made anew for each, as for a micro-batch."""
    for name, value in INTERPRETED.items():
        spark.conf.set(name, value)
    plan = way(customers)._jdf.logicalPlan()
    datasets: Any = spark._jvm.org.apache.spark.sql.classic.Dataset  # type: ignore[union-attr]

    def run() -> None:
        anew = datasets.ofRows(spark._jsparkSession, plan)
        anew.write().format("noop").mode("overwrite").save()

    for _ in range(SMALL_JOBS):
        run()
    before = tree_seconds(os.getpid())
    for _ in range(SMALL_JOBS):
        run()
    used = tree_seconds(os.getpid()) - before
    for name in INTERPRETED:
        spark.conf.unset(name)
    return 1000 * used / SMALL_JOBS


def measured(
    spark: SparkSession, model: Mapping[str, Way], customers: DataFrame, rows: int, rounds: int
) -> dict[str, list[float]]:
    """The figures of each way, each with its ratio to the stages behind it."""
    variants = [
        Variant(f"{name}, {how}", way(customers), settings)
        for name, way in model.items()
        for how, settings in (("generated", {}), ("interpreted", INTERPRETED))
    ]
    cost = Rounds(spark, rows).microseconds_a_row(variants, rounds)
    small = customers.limit(SMALL).repartition(3).cache()
    jobs = {name: small_job_ms(spark, way, small) for name, way in model.items()}
    found = {
        name: (cost[f"{name}, generated"], cost[f"{name}, interpreted"], jobs[name])
        for name in model
    }
    return {
        name: [
            each
            for figure, base in zip(figures, found[STAGES], strict=True)
            for each in (figure, figure / base)
        ]
        for name, figures in found.items()
    }


def main() -> None:
    """Runs the benchmark, from command-line arguments."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--customers", type=int, default=5_000)
    options = parser.parse_args()
    spark = start_session()
    rows: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory(prefix="tree-scores-") as scratch:
        source = Path(scratch, "customers.csv")
        write_synthetic_csv(source, options.customers, seed=1)
        customers = read_customers(spark, source, KIND).coalesce(1).cache()
        asked = customers.select(*KIND.features.schema.names).cache()
        asked.count()
        for name, classifier in classifiers().items():
            stages = trained(classifier, customers.limit(FITTED_TO), Path(scratch, name))
            found = measured(spark, ways(stages), asked, options.customers, options.rounds)
            rows |= {f"{name}: {way}": figures for way, figures in found.items()}
    spark.stop()
    columns = {
        **{"generated, core-µs a customer": ".1f", "ratio": ".2f"},
        **{"interpreted": ".1f", "ratio of that": ".2f"},
        **{"a small job, core-ms": ".0f", "ratio of those": ".2f"},
    }
    tell([Table(f"a score, {options.customers:,} customers", columns, rows)], options.figures)


if __name__ == "__main__":
    main()
