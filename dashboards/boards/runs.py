"""Scheduled runs: what each has left at the Pushgateway."""

from __future__ import annotations

from grafana_foundation_sdk.builders import timeseries
from grafana_foundation_sdk.models import dashboard

from dashboards.boards.latest_run import OUTCOMES, latest_run, since, stands
from dashboards.boards.parts.blocks import (
    Panel,
    history,
    linked,
    logarithmic,
    now,
    pie,
    query,
    time_series,
)
from dashboards.boards.parts.choice import Choice, of_runs, total
from dashboards.boards.parts.frame import board, entry
from dashboards.site import Site
from stream_telemetry.metrics import catalogue, pushed
from stream_telemetry.metrics.bounds import PROCESSING_BUCKETS
from stream_telemetry.metrics.metric import Metric


def runs(site: Site) -> dashboard.Dashboard:
    """What whoever schedules runs looks at."""
    choice = of_runs(site)
    return board(
        "runs",
        "Scheduled runs",
        "Did the last run happen, and how did it end?",
        "now-7d",
        choice,
        {
            "Latest run": latest_run(choice),
            "Runs": [outcomes(choice), took(choice)],
            "Records": [run_records(choice), batch_records(choice), batch_seconds(choice)],
            "Errors and latency of the run": [
                *(run_lost(choice), run_errors(choice), run_latency(choice)),
            ],
            "Batches": [run_batches(choice), batch_number(choice)],
        },
    )


def outcomes(choice: Choice) -> Panel:
    """How runs have ended, over time."""
    return history(
        "Outcomes",
        "How the latest run of each group stood, over time.",
        OUTCOMES,
        query(stands(choice), "{{instance}}"),
    )


def took(choice: Choice) -> Panel:
    """How long runs took."""
    return _of_groups(
        choice,
        "Run Took",
        "Time from the start to the end of the latest run of each group, or to its latest push.",
        "s",
        pushed.RUN_TOOK,
    ).span(12)


def run_records(choice: Choice) -> Panel:
    """What became of the run's records."""
    return _fates(
        choice,
        "Records of the Run",
        "Records of the latest run of each group, by what became of them.",
        *(pushed.RUN_READ, pushed.RUN_SUCCEEDED, pushed.RUN_FAILED),
    )


def batch_records(choice: Choice) -> Panel:
    """What became of the latest batch's records."""
    return _fates(
        choice,
        "Records of the Latest Batch",
        "Records of the batch that was pushed last, by what became of them.",
        *(pushed.BATCH_READ, pushed.BATCH_SUCCEEDED, pushed.BATCH_FAILED),
    )


def batch_seconds(choice: Choice) -> Panel:
    """How long the latest batch took, and how old it is."""
    return time_series(
        "Latest Batch",
        "Time that the batch took that was pushed last, and the time since its end.",
        "s",
        query(choice.series(pushed.BATCH_TOOK), "took, {{instance}}"),
        query(since(choice, pushed.BATCH_END), "since its end, {{instance}}"),
    )


def run_batches(choice: Choice) -> Panel:
    """Batches of the latest run."""
    return _of_groups(
        choice,
        "Batches of the Run",
        "Batches since the start of the latest run of each group.",
        "short",
        pushed.RUN_BATCHES,
    ).span(12)


def batch_number(choice: Choice) -> Panel:
    """The number of the latest batch."""
    return _of_groups(
        choice,
        "Batch Number",
        "Of the batch that was pushed last; it rises over runs; 0 until a run's first batch.",
        "none",
        pushed.BATCH_ID,
    ).span(12)


def run_lost(choice: Choice) -> Panel:
    """Records that Kafka deleted too early."""
    panel = _of_groups(
        choice,
        "Records Lost",
        "Records that Kafka deleted before the latest run of each group had read them.",
        "short",
        pushed.RUN_LOST,
    )
    return linked(panel, "Runbook: RecordsLost", entry("RecordsLost"))


def run_errors(choice: Choice) -> Panel:
    """Why records of the latest run were refused."""
    failed = total(choice.series(catalogue.FAILED), "error_type")
    return pie(
        "Error Types of the Run",
        "Dead letters of the latest runs by the step that refused them.",
        "short",
        now(f"{failed} > 0", "{{error_type}}"),
    ).no_value("no dead letters")


def run_latency(choice: Choice) -> Panel:
    """How long records of the latest run took."""
    buckets = choice.part(catalogue.PROCESSING_LATENCY, "bucket")
    panel = time_series(
        "95th Percentile Latency of the Run",
        "Time that 95 of 100 records of the latest runs spent in each step of the plan at most.",
        "s",
        query(
            f"histogram_quantile(0.95, {total(buckets, 'operation', 'le')})",
            "{{operation}}",
        ),
    )
    return logarithmic(panel, PROCESSING_BUCKETS[0])


def _of_groups(
    choice: Choice, title: str, description: str, unit: str, metric: Metric
) -> timeseries.Panel:
    return time_series(title, description, unit, query(choice.series(metric), "{{instance}}"))


def _fates(choice: Choice, title: str, description: str, *metrics: Metric) -> Panel:
    names = ("read", "passed", "dead letters")
    queries = (
        query(choice.series(metric), f"{name}, {{{{instance}}}}")
        for name, metric in zip(names, metrics, strict=True)
    )
    return time_series(title, description, "short", *queries)
