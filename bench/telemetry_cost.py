"""What the observation costs: the job's plan with it and without, in turn, on the same records.

"guide" has the guide's eleven buckets alone, so that the price of the finer ones is seen; "but for
the model" has all but the bins of features and scores, "but for the slowest" names no record. "Each
record's features" does to every record what is otherwise done to one in sixteen: a sixteenth of
what that adds is more than noise, where what it is in use is not. Once compiled, as for a backlog,
and once interpreted, as for the batches of an interval.

    python bench/telemetry_cost.py [--copies N] [--rounds N]

Kafka is left out, on one core, so that the share of the plan is seen; with Kafka at both ends the
share of the whole is smaller still.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from unittest.mock import patch

from figures import Table, arguments, beside_first, tell
from in_memory import DISTINCT_RECORDS, cached_records
from plan_cost import USUAL_BAD_RATIO, shipped_pipeline, start_session
from pyspark.sql import Column, DataFrame
from rounds import Rounds, Variant

from stream_telemetry.batch import observation as observation_module
from stream_telemetry.batch.observation import NAME, Observation
from stream_telemetry.drift import counting
from telco_churn.pipeline import ChurnPipeline
from telco_churn.query.source_and_sink import INTERPRETED

GUIDES_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Silent(Observation):
    """Observes nothing."""

    def figures(self, computed: Mapping[str, Column] = MappingProxyType({})) -> list[Column]:
        """None."""
        return []

    def count(self, records: DataFrame, place: str = NAME) -> DataFrame:
        """The records as they are."""
        return records


def main() -> None:
    """Runs the benchmark, from command-line arguments."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--copies", type=int, default=2, help=f"of {DISTINCT_RECORDS:,} records")
    parser.add_argument("--rounds", type=int, default=16)
    options = parser.parse_args()
    spark = start_session()
    records = cached_records(spark, USUAL_BAD_RATIO, options.copies)
    plan = shipped_pipeline()
    silent = Silent(plan.observation.operations, plan.observation.finished)
    unwatched = replace(plan.observation, model=None)
    unnamed = replace(plan.observation, headers="")
    plans = {
        "without": replace(plan, observation=silent).transform(records),
        "the guide's buckets": _with_guides_buckets(plan, records),
        "with, but for the model": replace(plan, observation=unwatched).transform(records),
        "with, but for the slowest": replace(plan, observation=unnamed).transform(records),
        "with": plan.transform(records),
        "with each record's features": _with_each_counted(plan, records),
    }
    ways: Mapping[str, Mapping[str, str]] = {"compiled": {}, "interpreted": INTERPRETED}
    variants = [
        Variant(f"{name}, {way}", each, settings)
        for way, settings in ways.items()
        for name, each in plans.items()
    ]
    rounds = Rounds(spark, options.copies * DISTINCT_RECORDS)
    cost = rounds.microseconds_a_row(variants, options.rounds)
    columns = {"core-µs a record": ".2f", "ratio": ".3f"}
    tables = [
        Table(
            f"the plan {way}, and its observation",
            columns,
            beside_first({name: cost[f"{name}, {way}"] for name in plans}),
        )
        for way in ways
    ]
    tell(tables, options.figures)


def _with_guides_buckets(plan: ChurnPipeline, records: DataFrame) -> DataFrame:
    with (
        patch.object(observation_module, "PROCESSING_BUCKETS", GUIDES_BUCKETS),
        patch.object(observation_module, "END_TO_END_BUCKETS", GUIDES_BUCKETS),
    ):
        return plan.transform(records)


def _with_each_counted(plan: ChurnPipeline, records: DataFrame) -> DataFrame:
    with patch.object(counting, "ONE_IN", 1):
        return plan.transform(records)


if __name__ == "__main__":
    main()
