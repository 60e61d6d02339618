"""The two objectives, and the rate at which their budgets are used up.

14.4 times the budget uses up a month's in two days, 6 times in five (SRE workbook, chapter
"Alerting on SLOs"). The short window ends the alert soon after the trouble.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dashboards.alerts.alert import Alert, Group
from dashboards.alerts.promql import at_best, at_bound, over_replicas
from dashboards.site import Site


@dataclass(frozen=True)
class Burn:
    """How fast a budget is used up: so many times too fast, in these two windows."""

    name: str
    severity: Literal["critical", "warning"]
    factor: float
    long: str
    short: str
    words: str  # of the long window
    days: str
    offset: str  # half of the long window


FAST = Burn("Fast", "critical", 14.4, "1h", "5m", "hour", "two days", "30m")
SLOW = Burn("Slow", "warning", 6, "6h", "30m", "6 hours", "five days", "3h")


def objectives(site: Site) -> Group:
    """The group of the burn rates."""
    good, fresh = site.limits.good_objective, site.limits.fresh_objective
    return Group(
        name="churn_stream_objectives",
        title="Objectives",
        introduction=f"""\
{good * 100:g} % of the records become predictions; {fresh * 100:g} % are dealt with within
{site.limits.fresh_seconds:g} s of their Kafka timestamp; both over 30 days. Each alert wants a long
window (it matters) and a short one (it still lasts), and more than a handful of records, so that one
bad record in a quiet night wakes nobody. *Data quality* shows what is left of both budgets.
""",
        alerts=(
            *(_bad_records(site, burn) for burn in (FAST, SLOW)),
            *(_late_records(site, burn) for burn in (FAST, SLOW)),
        ),
    )


def bad_share(site: Site, window: str) -> str:
    """The share of refused records; no value where there are none at all."""
    failed = f'rate(kafka_messages_processed_total{{status="failed"}}[{window}])'
    every = f"rate(kafka_messages_processed_total[{window}])"
    return (
        f"{over_replicas(site, 'sum', failed, 'topic', 'status')} "
        f"/ ({over_replicas(site, 'sum', every, 'topic', 'status')} > 0)"
    )


def late_share(site: Site, window: str) -> str:
    """The share of records that were too old when they were dealt with."""
    age = "stream_end_to_end_latency_seconds"
    in_time = f"rate({age}_bucket{{{at_bound(site.limits.fresh_seconds)}}}[{window}])"
    every = f"rate({age}_count[{window}])"
    return (
        f"1 - {over_replicas(site, 'sum', in_time, 'le')} "
        f"/ ({over_replicas(site, 'sum', every)} > 0)"
    )


def _bad_records(site: Site, burn: Burn) -> Alert:
    budget = round(1 - site.limits.good_objective, 6)
    failed = f'increase(kafka_messages_processed_total{{status="failed"}}[{burn.long}])'
    return Alert(
        name=f"BadRecordsBurn{burn.name}",
        severity=burn.severity,
        expression=f"""
            {bad_share(site, burn.long)}
            > {burn.factor:g} * {budget:g}
            and
            {bad_share(site, burn.short)}
            > {burn.factor:g} * {budget:g}
            and
            {over_replicas(site, "sum", failed, "topic", "status")} > 10
            """,
        summary=f"The error budget of good records is used up within {burn.days}",
        description="{{ $value | humanizePercentage }} of the records of {{ $labels.job }} were refused "
        f"in the last {burn.words}; the objective allows {budget * 100:g}% over a month.",
        entry=f"""
            At this rate the month's budget of bad records is used up within {burn.days}
            ({burn.factor * budget * 100:.3g} % of the records of the last {burn.words}). Do as in HighErrorRate,
            {_WHEN[burn.severity]}.

            - See: *Data quality*, "Burn Rate, Good Records" and "Budget, Good".
            """,
    )


def _late_records(site: Site, burn: Burn) -> Alert:
    budget = round(1 - site.limits.fresh_objective, 6)
    count = "stream_end_to_end_latency_seconds_count"
    past = f"last_over_time({count}[{burn.long}] offset {burn.offset})"
    return Alert(
        name=f"LateRecordsBurn{burn.name}",
        severity=burn.severity,
        expression=f"""
            {late_share(site, burn.long)}
            > {burn.factor:g} * {budget:g}
            and
            {late_share(site, burn.short)}
            > {burn.factor:g} * {budget:g}
            and
            {over_replicas(site, "sum", f"increase({count}[{burn.long}])")} > 100
            and
            {over_replicas(site, "sum", past)}
            unless
            {_catching_up(site)}
            """,
        summary=f"The error budget of fresh records is used up within {burn.days}",
        description="{{ $value | humanizePercentage }} of the records of {{ $labels.job }} were over "
        f"{site.limits.fresh_seconds:g} seconds old when they were dealt with, in the last {burn.words}; the "
        f"objective allows {budget * 100:g}% over a month.",
        entry=f"""
            More than {burn.factor * budget * 100:.3g} % of the records of the last {burn.words} were over
            {site.limits.fresh_seconds:g} s old when they were dealt with. Silent while the query catches up
            (the oldest waiting record gets younger by a minute in ten), and in the first {burn.offset} of a
            job, which may begin with a backlog.

            - See: *Latency and throughput*, "End-to-End Latency" and "Batch Phases"; *Data quality*,
              "Burn Rate, Fresh Records" and "Budget, Fresh".
            - Late because they waited: as in ConsumerLagIncreasing. Late though none wait: the trigger is long, or
              producers set old timestamps (a replay). Act {_WHEN[burn.severity]}.
            """,
    )


_WHEN = {"critical": "now", "warning": "today"}


def _catching_up(site: Site) -> str:
    lag, window = "stream_lag_seconds", site.window(10)
    labels = ("topic", "partition")
    now = over_replicas(site, "max", at_best(lag, window), *labels)
    before = over_replicas(site, "max", at_best(lag, window, before=True), *labels)
    return f"{now} < {before} - 60"
