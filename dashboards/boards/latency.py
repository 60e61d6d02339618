"""Latency and throughput: where the time goes, and what reserve is left."""

from __future__ import annotations

from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.models import common, dashboard

from dashboards.boards.overview import waiting
from dashboards.boards.parts.blocks import (
    Panel,
    logarithmic,
    query,
    spread,
    time_series,
    with_limit,
)
from dashboards.boards.parts.choice import Choice, increase, of_consumer, rate, total
from dashboards.boards.parts.frame import board
from dashboards.site import Site
from stream_telemetry.metrics import catalogue
from stream_telemetry.metrics.bounds import PROCESSING_BUCKETS
from stream_telemetry.metrics.metric import Metric

_PERCENTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


def latency(site: Site) -> dashboard.Dashboard:
    """What whoever tunes the job looks at."""
    choice = of_consumer(site)
    return board(
        "latency",
        "Latency and throughput",
        "Where does the time go, and what reserve is left?",
        "now-6h",
        choice,
        {
            "From Kafka to the end of the plan": [
                *(end_to_end(site, choice), waiting(site, choice), throughput(choice)),
                end_to_end_spread(choice),
                in_plan_spread(choice),
            ],
            "Batches": [
                *(batch_duration(choice), records_per_batch(choice), phases(choice)),
                *(busy_ratio(choice), batches(choice)),
            ],
            "In the plan": [operations(choice, "p50"), operations(choice, "p99")],
        },
    )


def end_to_end(site: Site, choice: Choice) -> Panel:
    """From Kafka's timestamp to the end of the plan; points are the slowest records."""
    percentiles = {
        name: query(choice.quantile(rank, catalogue.END_TO_END), name)
        for name, rank in _PERCENTILES.items()
    }
    percentiles["p99"].exemplar(True)
    panel = time_series(
        "End-to-End Latency",
        "Age of the records, by their Kafka timestamp, when the plan was done with them: waiting "
        f"included. The line is the objective: {site.limits.fresh_objective * 100:g} of 100 below. "
        "Points are the slowest records of their batches, where Prometheus keeps exemplars.",
        "s",
        *percentiles.values(),
        query(choice.average(catalogue.END_TO_END), "average"),
    )
    return with_limit(panel, site.limits.fresh_seconds)


def throughput(choice: Choice) -> Panel:
    """What Spark has read, beside what was dealt with."""
    return time_series(
        "Throughput",
        "Records a second: what Spark says it has read, and what the plan has dealt with. The "
        "lines must lie on each other.",
        "mps",
        query(total(rate(choice.series(catalogue.RECORDS_READ))), "read"),
        query(total(rate(choice.series(catalogue.PROCESSED))), "dealt with"),
    )


def end_to_end_spread(choice: Choice) -> Panel:
    """How the ages spread."""
    return spread(
        "End-to-End Latency, Spread",
        "Records by their age when the plan was done with them.",
        total(increase(choice.part(catalogue.END_TO_END, "bucket")), "le"),
    )


def in_plan_spread(choice: Choice) -> Panel:
    """How the times in the plan spread."""
    chosen = choice.part(catalogue.PROCESSING_LATENCY, "bucket", operation="total")
    return spread(
        "Processing Latency, Spread",
        "Records by the time that they spent in the whole plan.",
        total(increase(chosen), "le"),
    )


def batch_duration(choice: Choice) -> Panel:
    """How long batches take."""
    return _of_batches(
        choice,
        "Batch Duration",
        "Time that a batch takes, planning and commits included.",
        "s",
        catalogue.LAST_BATCH_SECONDS,
        catalogue.BATCH_DURATION,
    )


def records_per_batch(choice: Choice) -> Panel:
    """How large batches are."""
    return _of_batches(
        choice,
        "Records per Batch",
        "Larger batches cost less a record; --max-offsets-per-trigger bounds them.",
        "short",
        catalogue.LAST_BATCH_RECORDS,
        catalogue.BATCH_RECORDS,
    )


def phases(choice: Choice) -> Panel:
    """What a batch spends its time on."""
    seconds = rate(choice.series(catalogue.PHASE_SECONDS, phase="!triggerExecution"))
    each = f"{total(rate(choice.series(catalogue.BATCHES)))} > 0"
    return (
        time_series(
            "Batch Phases",
            "Seconds of an average batch, by phase as Spark names them. addBatch is the work, "
            "walCommit and commitOffsets are the checkpoint.",
            "s",
            query(
                f"{total(seconds, 'phase')} / ignoring (phase) group_left () ({each}) > 0",
                "{{phase}}",
            ),
        )
        .stacking(common_builders.StackingConfig().mode(common.StackingMode.NORMAL))
        .fill_opacity(60)
        .line_width(0)
    )


def busy_ratio(choice: Choice) -> Panel:
    """What reserve is left."""
    panel = time_series(
        "Busy Ratio",
        "Share of the time that batches take. At the line the next one waits for the one before: "
        "no reserve is left.",
        "percentunit",
        query(f"max by (instance) ({choice.series(catalogue.BUSY_RATIO)})", "{{instance}}"),
    )
    return with_limit(panel, 1).span(12)


def batches(choice: Choice) -> Panel:
    """How often a batch is completed."""
    return (
        time_series(
            "Batches",
            "Batches completed in a minute; an idle query completes none.",
            "short",
            query(
                f"60 * {total(rate(choice.series(catalogue.BATCHES)), 'instance')}",
                "{{instance}}",
            ),
        )
        .span(12)
        .decimals(1)
    )


def operations(choice: Choice, name: str) -> Panel:
    """A percentile of each step; the 95th is on the overview."""
    panel = time_series(
        f"Processing Latency by Operation, {name}",
        "Time that a record spends in each step of the plan, measured on the executor.",
        "s",
        query(
            choice.quantile(_PERCENTILES[name], catalogue.PROCESSING_LATENCY, "operation"),
            "{{operation}}",
        ),
    )
    return logarithmic(panel.span(12), PROCESSING_BUCKETS[0])


def _of_batches(
    choice: Choice, title: str, description: str, unit: str, latest: Metric, spread_of: Metric
) -> Panel:
    return time_series(
        title,
        f"{description} The latest one as it was, the average and the 95th percentile of those "
        "within a few scrapes.",
        unit,
        query(f"max({choice.series(latest)})", "latest"),
        query(choice.average(spread_of), "average"),
        query(choice.quantile(0.95, spread_of), "p95"),
    )
