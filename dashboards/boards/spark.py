"""Spark and push: the engine below, and what runs have left at the Pushgateway."""

from __future__ import annotations

from grafana_foundation_sdk.models import dashboard

from dashboards.boards.blocks import Panel, board, number, query, steps, time_series, words
from dashboards.boards.queries import increase, rate, series, total
from dashboards.site import Site
from stream_telemetry.metrics import catalogue, pushed
from stream_telemetry.metrics.metric import Metric

_DRIVER = "metrics_churn_stream_driver_"
_QUERY = f"{_DRIVER}spark_streaming_churn_"


def spark(site: Site) -> dashboard.Dashboard:
    """What operators of the cluster, and of scheduled runs, look at."""
    return board(
        "churn-stream-spark",
        "Churn stream / Spark and push",
        "Has the engine what it needs? What became of scheduled runs?",
        "now-6h",
        [
            *(executors(), dropped_events(), last_push(), run_outcome(), run_batches(), run_age()),
            *(heap(), garbage_collection(), tasks()),
            *(spark_rates(), run_records(), batch_records()),
            *(batch_seconds(), batch_number(), push_errors()),
        ],
    )


def executors() -> Panel:
    """How many executors there are."""
    return number(
        "Executors",
        "Processes that run tasks; 1 is the driver itself, in a local run.",
        "none",
        query(f"count({series('metrics_executor_maxTasks')})", "executors"),
    ).thresholds(steps("red", (1, "green")))


def dropped_events() -> Panel:
    """Events that never reached the telemetry."""
    name = f"{_DRIVER}LiveListenerBus_queue_streams_numDroppedEvents_Count"
    return number(
        "Events Dropped",
        "Events of the query that Spark dropped before the telemetry heard of them; their figures "
        "are missing.",
        "short",
        query(f"sum({series(name)})", "dropped"),
    ).thresholds(steps("green", (1, "red")))


def last_push() -> Panel:
    """How old the newest push is."""
    return number(
        "Time Since Last Push",
        "Of the run that pushed last. A query pushes after each batch, so an idle one does not.",
        "s",
        query(f"time() - max({series('push_time_seconds')})", "last push"),
    ).no_value("no pushes")


def run_outcome() -> Panel:
    """How the latest run of each group ended."""
    ended = f"max by (instance) ({series(pushed.RUN_END)} > bool 0)"
    well = f"max by (instance) ({series(pushed.RUN_OK)})"
    return (
        number(
            "Latest Run",
            "How the latest run of each consumer group ended.",
            "none",
            query(f"{ended} + {well}", "{{instance}}"),
        )
        .mappings(words(_0=("running", "blue"), _1=("failed", "red"), _2=("succeeded", "green")))
        .no_value("no runs")
    )


def run_batches() -> Panel:
    """Batches of the latest run."""
    return number(
        "Batches of the Run",
        "Batches since the start of the latest run.",
        "short",
        query(f"max by (instance) ({series(pushed.RUN_BATCHES)})", "{{instance}}"),
    ).no_value("no runs")


def run_age() -> Panel:
    """When the latest run started."""
    return number(
        "Time Since Start of the Run",
        "Of the latest run of each consumer group.",
        "s",
        query(f"time() - max by (instance) ({series(pushed.RUN_STARTED)})", "{{instance}}"),
    ).no_value("no runs")


def heap() -> Panel:
    """Memory of the driver, and the most that executors have used."""
    return time_series(
        "JVM Memory",
        "Heap of the driver and its limit; of each executor the most that it has used so far.",
        "bytes",
        query(
            f"max by (instance) ({series(f'{_DRIVER}jvm_heap_used_Value')})", "driver {{instance}}"
        ),
        query(
            f"max by (instance) ({series(f'{_DRIVER}jvm_heap_max_Value')})", "limit {{instance}}"
        ),
        query(
            f"max by (executor_id) ({series('metrics_executor_JVMHeapMemory_bytes')})",
            "peak of {{executor_id}}",
        ),
    ).min(0)


def garbage_collection() -> Panel:
    """The share of the time that goes into collecting garbage."""
    young = total(rate(series("metrics_executor_MinorGCTime_seconds_total")), "executor_id")
    old = total(rate(series("metrics_executor_MajorGCTime_seconds_total")), "executor_id")
    return time_series(
        "Garbage Collection",
        "Share of the time that each JVM spends on it. Above a tenth it needs more memory.",
        "percentunit",
        query(young, "{{executor_id}} young"),
        query(old, "{{executor_id}} old"),
    ).min(0)


def tasks() -> Panel:
    """Tasks at work and their slots."""
    failed = total(rate(series("metrics_executor_failedTasks_total")))
    return time_series(
        "Tasks",
        "Tasks at work and slots for them, and tasks that failed in a second.",
        "short",
        query(total(series("metrics_executor_activeTasks")), "at work"),
        query(total(series("metrics_executor_maxTasks")), "slots"),
        query(failed, "failed"),
    ).min(0)


def spark_rates() -> Panel:
    """What Spark itself says of the query's speed."""
    return time_series(
        "Spark's Own Rates",
        "Records that come in, and those that a batch could deal with, in a second, as the latest "
        "batch showed them.",
        "recps",
        query(total(series(f"{_QUERY}inputRate_total_Value")), "come in"),
        query(total(series(f"{_QUERY}processingRate_total_Value")), "could be dealt with"),
    ).min(0)


def run_records() -> Panel:
    """What became of the run's records."""
    return _fates(
        "Records of the Run",
        "Records of the latest run of each consumer group, by what became of them.",
        pushed.RUN_READ,
        pushed.RUN_SUCCEEDED,
        pushed.RUN_FAILED,
    )


def batch_records() -> Panel:
    """What became of the latest batch's records."""
    return _fates(
        "Records of the Latest Batch",
        "Records of the batch that was pushed last, by what became of them.",
        pushed.BATCH_READ,
        pushed.BATCH_SUCCEEDED,
        pushed.BATCH_FAILED,
    )


def batch_seconds() -> Panel:
    """How long the latest batch took, and how old it is."""
    return time_series(
        "Latest Batch",
        "Time that the batch took that was pushed last, and the time since its end.",
        "s",
        query(f"max by (instance) ({series(pushed.BATCH_TOOK)})", "{{instance}} took"),
        query(f"time() - max by (instance) ({series(pushed.BATCH_END)})", "{{instance}} ended"),
    ).min(0)


def batch_number() -> Panel:
    """The number of the latest batch."""
    return time_series(
        "Batch Number",
        "Of the batch that was pushed last; it only ever rises, also over restarts.",
        "none",
        query(f"max by (instance) ({series(pushed.BATCH_ID)})", "{{instance}}"),
    )


def push_errors() -> Panel:
    """Pushes that were not taken."""
    return time_series(
        "Push Errors",
        "Pushes that the Pushgateway did not take; the query does not wait for them.",
        "short",
        query(total(increase(series(catalogue.PUSH_ERRORS)), "instance"), "{{instance}}"),
    ).min(0)


def _fates(title: str, description: str, *metrics: Metric) -> Panel:
    names = ("read", "passed", "dead letters")
    queries = (
        query(f"max by (instance) ({series(metric)})", f"{{{{instance}}}} {name}")
        for name, metric in zip(names, metrics, strict=True)
    )
    return time_series(title, description, "short", *queries).min(0)
