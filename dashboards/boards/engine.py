"""Engine: Spark below the query, and the telemetry beside it."""

from __future__ import annotations

from grafana_foundation_sdk.models import dashboard

from dashboards.boards.parts.blocks import (
    Panel,
    judged,
    now,
    number,
    query,
    time_series,
    with_limit,
)
from dashboards.boards.parts.choice import Choice, increase, of_spark, or_unknown, rate, total
from dashboards.boards.parts.colours import BAD, GOOD, WARNING, steps
from dashboards.boards.parts.frame import board
from dashboards.site import Site
from stream_telemetry.metrics import catalogue, of_model

_DRIVER = "metrics_churn_stream_driver_"
_QUERY = f"{_DRIVER}spark_streaming_churn_"
_EXECUTOR = "metrics_executor_"


def engine(site: Site) -> dashboard.Dashboard:
    """What operators of the cluster look at."""
    choice = of_spark(site)
    return board(
        "engine",
        "Engine",
        "Has the engine what it needs? Is the telemetry whole?",
        "now-6h",
        choice,
        {
            "Now": [
                *(executors(choice), dropped_events(choice), failed_tasks(choice)),
                *(collecting(choice), heap_used(choice), left_out(choice)),
            ],
            "Spark": [
                *(heap(choice), garbage_collection(choice), slots(choice)),
                *(tasks(choice), spark_rates(choice), process(choice)),
            ],
            "Telemetry": [errors(choice), lines_left_out(choice), workers(choice)],
        },
    )


def executors(choice: Choice) -> Panel:
    """How many executors there are."""
    return number(
        "Executors",
        "Processes that run tasks; 1 is the driver itself, in a local run.",
        "none",
        now(or_unknown(f"count({choice.series(f'{_EXECUTOR}maxTasks')})"), "executors"),
    ).thresholds(steps(BAD, (1, GOOD)))


def dropped_events(choice: Choice) -> Panel:
    """Events that never reached the telemetry."""
    name = f"{_DRIVER}LiveListenerBus_queue_streams_numDroppedEvents_Count"
    return judged(
        "Events Dropped",
        "Events of the query that Spark dropped before the telemetry heard of them; their figures "
        "are missing.",
        "short",
        total(choice.series(name)),
        "dropped",
        (1, BAD),
    )


def failed_tasks(choice: Choice) -> Panel:
    """Tasks that failed within an hour."""
    return judged(
        "Tasks Failed",
        "Within the last hour. Spark tries a task again; counts of records may be off by it.",
        "short",
        total(increase(choice.series(f"{_EXECUTOR}failedTasks_total"), "1h")),
        "failed",
        (0.5, WARNING),
        decimals=0,
    )


def collecting(choice: Choice) -> Panel:
    """The share of the time that goes into collecting garbage, now."""
    spent = " + ".join(
        rate(choice.series(f"{_EXECUTOR}{kind}GCTime_seconds_total")) for kind in ("Minor", "Major")
    )
    return judged(
        "Collecting",
        "Share of the time that the busiest JVM spends on garbage. Above a tenth it needs more "
        "memory.",
        "percentunit",
        f"max({spent})",
        "share",
        *((0.1, WARNING), (0.3, BAD)),
        decimals=1,
    )


def heap_used(choice: Choice) -> Panel:
    """How full the driver's heap is."""
    used, limit = (choice.series(f"{_DRIVER}jvm_heap_{name}_Value") for name in ("used", "max"))
    return judged(
        "Driver's Heap",
        "Share of its limit that is used; it falls with each collection.",
        "percentunit",
        f"max({used} / {limit})",
        "used",
        (0.9, WARNING),
        decimals=0,
    )


def left_out(choice: Choice) -> Panel:
    """Log lines of the last hour that are missing."""
    metrics = (catalogue.LOG_SUPPRESSED, catalogue.LOG_ERRORS)
    return judged(
        "Log Lines Missing",
        "Left out by the rate limit, or not to be written, within the last hour.",
        "short",
        " + ".join(total(increase(choice.series(metric), "1h")) for metric in metrics),
        "lines",
        (0.5, WARNING),
        decimals=0,
    )


def heap(choice: Choice) -> Panel:
    """Memory of the driver, and the most that executors have used."""
    used, limit = (choice.series(f"{_DRIVER}jvm_heap_{name}_Value") for name in ("used", "max"))
    peak = choice.series(f"{_EXECUTOR}JVMHeapMemory_bytes")
    return time_series(
        "JVM Memory",
        "Heap of the driver and its limit; of each executor the most that it has used so far.",
        "bytes",
        query(f"max by (instance) ({used})", "driver {{instance}}"),
        query(f"max by (instance) ({limit})", "limit {{instance}}"),
        query(f"max by (executor_id) ({peak})", "peak of {{executor_id}}"),
    )


def garbage_collection(choice: Choice) -> Panel:
    """The share of the time that goes into collecting garbage."""
    young, old = (
        total(rate(choice.series(f"{_EXECUTOR}{kind}GCTime_seconds_total")), "executor_id")
        for kind in ("Minor", "Major")
    )
    panel = time_series(
        "Garbage Collection",
        "Share of the time that each JVM spends on it. Above the line it needs more memory.",
        "percentunit",
        query(young, "{{executor_id}} young"),
        query(old, "{{executor_id}} old"),
    )
    return with_limit(panel, 0.1).axis_soft_max(0)


def slots(choice: Choice) -> Panel:
    """How many slots are busy."""
    return time_series(
        "Task Slots",
        "Slots for tasks, and how many were busy on average: from the time that tasks took, as "
        "a look each 15 seconds misses most of them.",
        "short",
        query(
            total(rate(choice.series(f"{_EXECUTOR}totalDuration_seconds_total"))), "busy on average"
        ),
        query(total(choice.series(f"{_EXECUTOR}activeTasks")), "busy at the scrape"),
        query(total(choice.series(f"{_EXECUTOR}maxTasks")), "slots"),
    )


def tasks(choice: Choice) -> Panel:
    """How many tasks come to an end."""
    return time_series(
        "Tasks",
        "Tasks that were completed and that failed, in a second.",
        "ops",
        query(total(rate(choice.series(f"{_EXECUTOR}completedTasks_total"))), "succeeded"),
        query(total(rate(choice.series(f"{_EXECUTOR}failedTasks_total"))), "failed"),
    )


def spark_rates(choice: Choice) -> Panel:
    """What Spark itself says of the query's speed."""
    return time_series(
        "Spark's Own Rates",
        "Records that come in, and those that a batch could deal with, in a second, as the latest "
        "batch showed them.",
        "recps",
        query(total(choice.series(f"{_QUERY}inputRate_total_Value")), "come in"),
        query(total(choice.series(f"{_QUERY}processingRate_total_Value")), "could be dealt with"),
    )


def process(choice: Choice) -> Panel:
    """How long processes live."""
    return time_series(
        "Up For",
        "How long each job's process has lived; a tooth is a start.",
        "s",
        query(f"time() - {choice.series(catalogue.PROCESS_START)}", "{{instance}}"),
    )


def errors(choice: Choice) -> Panel:
    """What went wrong beside the records."""
    kinds = {
        "events not evaluated": catalogue.LISTENER_ERRORS,
        "polls of the broker": catalogue.POLL_ERRORS,
        "commits to the group": catalogue.COMMIT_ERRORS,
        **{"pushes": catalogue.PUSH_ERRORS, "exports over OTLP": catalogue.OTLP_ERRORS},
        **{"spans dropped": catalogue.OTLP_DROPPED, "log lines not written": catalogue.LOG_ERRORS},
        "restarts of the query": catalogue.RESTARTS,
    }
    in_threads = increase(choice.series(catalogue.WORKER_ERRORS))
    lacking = choice.series(catalogue.RIGHT_MISSING)
    return time_series(
        "Telemetry Errors",
        "Observation that failed; the records themselves are not touched by it.",
        "short",
        *(query(total(increase(choice.series(one))), name) for name, one in kinds.items()),
        query(total(in_threads, "worker"), "in thread {{worker}}"),
        query(f"{total(lacking, 'right, resource')} > 0", "lacks {{right}} {{resource}}"),
        query(total(increase(choice.series(of_model.CHANGES, outcome="refused"))), "models"),
    )


def lines_left_out(choice: Choice) -> Panel:
    """Log lines beyond the rate limit."""
    return time_series(
        "Log Lines Left Out",
        "Lines about single records that the log's rate limit left out in a second; failures last.",
        "cps",
        query(total(rate(choice.series(catalogue.LOG_SUPPRESSED)), "status"), "{{status}}"),
    )


def workers(choice: Choice) -> Panel:
    """Threads that do not work."""
    return time_series(
        "Threads Down",
        "Threads of the telemetry that are dead, hang or only fail; what they show stands still.",
        "short",
        query(f"1 - min by (worker) ({choice.series(catalogue.WORKER_UP)})", "{{worker}}"),
    )
