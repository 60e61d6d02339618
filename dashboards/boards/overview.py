"""Overview: whether all is well and where not, and the guide's six panels."""

from __future__ import annotations

from grafana_foundation_sdk.models import dashboard

from dashboards.boards.health import health
from dashboards.boards.parts.blocks import (
    Panel,
    logarithmic,
    now,
    pie,
    query,
    time_series,
    with_limit,
)
from dashboards.boards.parts.choice import Choice, increase, of_consumer, rate, total
from dashboards.boards.parts.frame import board
from dashboards.boards.replicas import what_runs
from dashboards.site import Site
from stream_telemetry.metrics import catalogue
from stream_telemetry.metrics.bounds import PROCESSING_BUCKETS


def overview(site: Site) -> dashboard.Dashboard:
    """What to open first when on call."""
    choice = of_consumer(site)
    return board(
        "overview",
        "Overview",
        "Is the job well, and is every record accounted for?",
        "now-1h",
        choice,
        {
            "Health": health(site, choice),
            "Flow": [message_rate(choice), consumer_lag(site, choice), waiting(site, choice)],
            "Errors and latency": [
                *(error_types(choice), average_latency(choice), p95_latency(choice)),
            ],
            "What runs": [what_runs(site, choice)],
        },
    )


def message_rate(choice: Choice) -> Panel:
    """The guide's panel 1."""
    return time_series(
        "Message Processing Rate (msg/sec)",
        "Records that the query has dealt with, by what became of them.",
        "mps",
        query(
            total(rate(choice.series(catalogue.PROCESSED)), "status", "topic"),
            "{{status}} - {{topic}}",
        ),
    )


def consumer_lag(site: Site, choice: Choice) -> Panel:
    """How many records wait, in each partition and together."""
    lag = choice.series(catalogue.LAG)
    panel = time_series(
        "Consumer Lag",
        "Records between the committed position and the end of each partition. Up and down with "
        "the batches is healthy, ever up is not. The line is where ConsumerLagIncreasing begins.",
        "short",
        query(total(lag, "topic", "partition"), "{{topic}}[{{partition}}]"),
        query(total(lag), "all together"),
        query(f"{total(choice.series(catalogue.HELD_BACK))} > 0", "held back by open transactions"),
    )
    return with_limit(panel, site.limits.lag)


def waiting(site: Site, choice: Choice) -> Panel:
    """How long the next record has waited, over time."""
    panel = time_series(
        "Oldest Waiting Record",
        "Age of the next record of each partition, by its Kafka timestamp; 0 where none waits. "
        "The line is the objective.",
        "s",
        query(
            f"max by (topic, partition) ({choice.series(catalogue.LAG_SECONDS)})",
            "{{topic}}[{{partition}}]",
        ),
    )
    return with_limit(panel, site.limits.fresh_seconds)


def error_types(choice: Choice) -> Panel:
    """The guide's panel 4."""
    failed = increase(choice.series(catalogue.FAILED), "$__range")
    return pie(
        "Error Types Distribution",
        "Dead letters by the step that refused them, over the time that is shown.",
        "short",
        now(f"{total(failed, 'error_type')} > 0", "{{error_type}}"),
    ).no_value("no dead letters")


def average_latency(choice: Choice) -> Panel:
    """The guide's panel 3."""
    return time_series(
        "Average Processing Latency (seconds)",
        "Time that a record spends in the plan, without waiting for its batch.",
        "s",
        query(choice.average(catalogue.PROCESSING_LATENCY, operation="total"), "average"),
    ).axis_soft_max(0)


def p95_latency(choice: Choice) -> Panel:
    """The guide's panel 5."""
    panel = time_series(
        "95th Percentile Latency by Operation",
        "Time that 95 of 100 records spend in each step of the plan at most.",
        "s",
        query(choice.quantile(0.95, catalogue.PROCESSING_LATENCY, "operation"), "{{operation}}"),
    )
    return logarithmic(panel, PROCESSING_BUCKETS[0])
