"""Data quality: what is refused, and whether anything is missing."""

from __future__ import annotations

from grafana_foundation_sdk.models import common, dashboard

from dashboards.boards.blocks import Panel, board, number, query, steps, time_series
from dashboards.boards.overview import unaccounted
from dashboards.boards.queries import increase, rate, series, share, total
from dashboards.site import Site
from stream_telemetry.metrics import catalogue


def quality(site: Site) -> dashboard.Dashboard:
    """What the owners of the producers look at."""
    return board(
        "churn-stream-quality",
        "Churn stream / Data quality",
        "What is refused, and why? Is anything missing?",
        "now-24h",
        [
            *(unaccounted(), bad_share(), dead_letters(), violations()),
            *(records_lost(), lines_left_out(), lines_lost()),
        ],
    )


def bad_share() -> Panel:
    """The share of records that are refused."""
    failed = total(rate(series(catalogue.PROCESSED, status="failed")))
    return (
        number(
            "Refused Records",
            "Share of the records that became dead letters. The objective allows 1 % over a month.",
            "percentunit",
            query(share(failed, total(rate(series(catalogue.PROCESSED)))), "refused"),
        )
        .thresholds(steps("green", (0.01, "yellow"), (0.05, "red")))
        .decimals(2)
        .no_value("no records")
    )


def dead_letters() -> Panel:
    """Dead letters by the step that refused the record."""
    return time_series(
        "Dead Letters by Type",
        "validation_error: the contract forbids it. processing_error, inference_error: the "
        "features or the model could not deal with it.",
        "mps",
        query(total(rate(series(catalogue.FAILED)), "error_type"), "{{error_type}}"),
    ).min(0)


def violations() -> Panel:
    """Broken rules by field."""
    return (
        time_series(
            "Violations by Field",
            "Broken rules by field of the contract; message: the whole is not a JSON object, "
            "unknown: a field that the contract does not have. A record may break several.",
            "cps",
            query(f"{total(rate(series(catalogue.VIOLATIONS)), 'field')} > 0", "{{field}}"),
        )
        .min(0)
        .draw_style(common.GraphDrawStyle.BARS)
        .no_value("no violations")
    )


def records_lost() -> Panel:
    """What Kafka deleted too early."""
    return time_series(
        "Records Lost",
        "Records that Kafka deleted before the query had read them.",
        "short",
        query(
            total(increase(series(catalogue.RECORDS_LOST)), "topic", "partition"),
            "{{topic}}[{{partition}}]",
        ),
    ).min(0)


def lines_left_out() -> Panel:
    """Log lines beyond the rate limit."""
    return time_series(
        "Log Lines Left Out",
        "Lines about single records that the rate limit of the log left out; failures are left out "
        "last.",
        "cps",
        query(total(rate(series(catalogue.LOG_SUPPRESSED)), "status"), "{{status}}"),
    ).min(0)


def lines_lost() -> Panel:
    """Log lines that could not be written."""
    return time_series(
        "Log Lines Lost",
        "Lines that could not be written, because a disk is full, say.",
        "short",
        query(total(increase(series(catalogue.LOG_ERRORS)), "instance"), "{{instance}}"),
    ).min(0)
