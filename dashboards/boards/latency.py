"""Latency and throughput: where the time goes, and what reserve is left."""

from __future__ import annotations

from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import heatmap
from grafana_foundation_sdk.models import common, dashboard
from grafana_foundation_sdk.models import heatmap as heatmap_models
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from dashboards.boards.blocks import DATA_SOURCE, Panel, board, query, time_series
from dashboards.boards.queries import increase, part, quantile, rate, series, share, total
from dashboards.site import Site
from stream_telemetry.metrics import catalogue
from stream_telemetry.metrics.metric import Metric

_PERCENTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


def latency(site: Site) -> dashboard.Dashboard:
    """What whoever tunes the job looks at."""
    return board(
        "churn-stream-latency",
        "Churn stream / Latency and throughput",
        "Where does the time go, and what reserve is left?",
        "now-6h",
        [
            *(end_to_end(), operation_latency("p50"), operation_latency("p99")),
            *(end_to_end_heatmap(), total_heatmap()),
            *(busy_ratio(), batch_phases(), batch_duration()),
            *(oldest_record(), records_per_batch(), batches()),
        ],
    )


def end_to_end() -> Panel:
    """From Kafka's timestamp to the end of the plan."""
    return time_series(
        "End-to-End Latency",
        "Age of the records, by their Kafka timestamp, when the plan was done with them: waiting "
        "included. The objective: 99 of 100 below a minute.",
        "s",
        *(query(quantile(rank, catalogue.END_TO_END), name) for name, rank in _PERCENTILES.items()),
    ).min(0)


def operation_latency(name: str) -> Panel:
    """A percentile of each step; the 95th is on the overview."""
    return time_series(
        f"Processing Latency by Operation, {name}",
        "Time that a record spends in each step of the plan, measured on the executor.",
        "s",
        query(
            quantile(_PERCENTILES[name], catalogue.PROCESSING_LATENCY, "operation"),
            "{{operation}}",
        ),
    ).min(0)


def end_to_end_heatmap() -> Panel:
    """How the ages spread."""
    return _heatmap(
        "End-to-End Latency, Spread",
        "Records by their age when the plan was done with them.",
        catalogue.END_TO_END,
    )


def total_heatmap() -> Panel:
    """How the times in the plan spread."""
    return _heatmap(
        "Processing Latency, Spread",
        "Records by the time that they spent in the whole plan.",
        catalogue.PROCESSING_LATENCY,
        operation="total",
    )


def busy_ratio() -> Panel:
    """What reserve is left."""
    return (
        time_series(
            "Busy Ratio",
            "Share of the time that batches take. At 100 % the next one waits for the one before: "
            "no reserve is left.",
            "percentunit",
            query(f"max by (instance) ({series(catalogue.BUSY_RATIO)})", "{{instance}}"),
        )
        .min(0)
        .max(1)
    )


def batch_phases() -> Panel:
    """What a batch spends its time on."""
    phases = series(catalogue.PHASE_SECONDS, phase="!triggerExecution")
    batches_ = total(rate(series(catalogue.BATCHES)))
    return (
        time_series(
            "Batch Phases",
            "Seconds of an average batch, by phase as Spark names them. addBatch is the work, "
            "walCommit and commitOffsets are the checkpoint.",
            "s",
            query(
                f"{total(rate(phases), 'phase')} / ignoring (phase) group_left () ({batches_} > 0)",
                "{{phase}}",
            ),
        )
        .min(0)
        .stacking(common_builders.StackingConfig().mode(common.StackingMode.NORMAL))
    )


def batch_duration() -> Panel:
    """How long batches take."""
    return time_series(
        "Batch Duration",
        "Time that a batch takes, planning and commits included.",
        "s",
        *(
            query(quantile(rank, catalogue.BATCH_DURATION), name)
            for name, rank in _PERCENTILES.items()
        ),
        query(f"max({series(catalogue.LAST_BATCH_SECONDS)})", "latest"),
    ).min(0)


def oldest_record() -> Panel:
    """How long the next record has waited."""
    return time_series(
        "Age of the Oldest Waiting Record",
        "By its Kafka timestamp; 0 where none waits.",
        "s",
        query(
            f"max by (topic, partition) ({series(catalogue.LAG_SECONDS)})",
            "{{topic}}[{{partition}}]",
        ),
    ).min(0)


def records_per_batch() -> Panel:
    """How large batches are."""
    records = total(rate(part(catalogue.BATCH_RECORDS, "sum")))
    count = total(rate(part(catalogue.BATCH_RECORDS, "count")))
    return time_series(
        "Records per Batch",
        "Larger batches cost less a record; --max-offsets-per-trigger bounds them.",
        "short",
        query(share(records, count), "average"),
        query(quantile(0.95, catalogue.BATCH_RECORDS), "p95"),
        query(f"max({series(catalogue.LAST_BATCH_RECORDS)})", "latest"),
    ).min(0)


def batches() -> Panel:
    """How often a batch is completed."""
    return time_series(
        "Batches",
        "Batches completed in a second; an idle query completes none.",
        "ops",
        query(total(rate(series(catalogue.BATCHES)), "instance"), "{{instance}}"),
    ).min(0)


def _heatmap(title: str, description: str, metric: Metric, **labels: str) -> Panel:
    buckets = total(increase(part(metric, "bucket", **labels)), "le")
    panel = heatmap.Panel().title(title).description(description).datasource(DATA_SOURCE)
    panel.with_target(
        query(buckets, "{{le}}").format(PromQueryFormat.HEATMAP).ref_id("A").datasource(DATA_SOURCE)
    )
    panel.calculate(False).y_axis(heatmap.YAxisConfig().unit("s")).unit("short")
    colors = heatmap.HeatmapColorOptions().mode(heatmap_models.HeatmapColorMode.SCHEME)
    panel.color(colors.scheme("Oranges").steps(64)).no_value("no records")
    return panel.span(12).height(8)
