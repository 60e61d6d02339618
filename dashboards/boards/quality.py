"""Data quality: what is refused, what is left of the objectives, whether anything is missing."""

from __future__ import annotations

from grafana_foundation_sdk.models import dashboard

from dashboards.boards.health import late, success_rate, unaccounted
from dashboards.boards.parts.blocks import (
    Panel,
    bars,
    now,
    number,
    query,
    time_series,
    with_limit,
)
from dashboards.boards.parts.choice import Choice, increase, of_consumer, or_unknown, rate, total
from dashboards.boards.parts.colours import BAD, GOOD, UNKNOWN, WARNING, steps, words
from dashboards.boards.parts.frame import board
from dashboards.rules.rule_files import BAD as BAD_SHARE
from dashboards.rules.rule_files import LATE as LATE_SHARE
from dashboards.rules.rule_files import WINDOWS
from dashboards.site import Site
from stream_telemetry.metrics import catalogue

_MONTH = WINDOWS[-1]


def quality(site: Site) -> dashboard.Dashboard:
    """What the owners of the producers look at."""
    choice = of_consumer(site)
    good, fresh = 1 - site.limits.good_objective, 1 - site.limits.fresh_objective
    return board(
        "quality",
        "Data quality",
        "What is refused, and why? Is anything missing?",
        "now-24h",
        choice,
        {
            "Now and over the month": [
                *(unaccounted(choice), lost(choice), success_rate(choice), late(site, choice)),
                budget(choice, "Budget, Good", BAD_SHARE, good),
                budget(choice, "Budget, Fresh", LATE_SHARE, fresh),
            ],
            "What is refused": [dead_letters(choice), violations(choice), records_lost(choice)],
            "How fast the budgets are used up": [
                burn(choice, "Burn Rate, Good Records", BAD_SHARE, good),
                burn(choice, "Burn Rate, Fresh Records", LATE_SHARE, fresh),
            ],
        },
    )


def lost(choice: Choice) -> Panel:
    """Records that Kafka deleted too early, as a number."""
    gone = total(increase(choice.series(catalogue.RECORDS_LOST), "$__range"))
    return number(
        "Lost",
        "Records that Kafka deleted before the query had read them, within the time that is shown.",
        "short",
        now(or_unknown(gone), "records"),
    ).thresholds(steps(BAD, (0, GOOD), (0.5, BAD)))


def budget(choice: Choice, title: str, share: str, allowed: float) -> Panel:
    """What is left of a month's budget."""
    used = f"max({choice.without('instance').series(f'{share}{_MONTH}')}) / {allowed:g}"
    return (
        number(
            title,
            f"What is left of the {allowed * 100:.3g} % of the records that may be so in 30 days; "
            "below 0 it is used up. Prometheus must keep 30 days, and load recording.yml.",
            "percentunit",
            # Not below the value that stands for no answer.
            now(or_unknown(f"clamp_min(1 - {used}, -0.99)"), "left"),
        )
        .mappings(words({UNKNOWN: ("not recorded", BAD)}))
        .thresholds(steps(BAD, (0, WARNING), (0.25, GOOD)))
        .decimals(1)
    )


def dead_letters(choice: Choice) -> Panel:
    """Dead letters by the step that refused the record."""
    return time_series(
        "Dead Letters by Type",
        "validation_error: the contract forbids it. processing_error, inference_error: the "
        "features or the model could not deal with it.",
        "mps",
        query(total(rate(choice.series(catalogue.FAILED)), "error_type"), "{{error_type}}"),
    )


def violations(choice: Choice) -> Panel:
    """Broken rules by field, the most frequent first."""
    broken = total(increase(choice.series(catalogue.VIOLATIONS), "$__range"), "field")
    return (
        bars(
            "Violations by Field",
            "Broken rules by field of the contract, over the time that is shown, the twelve most "
            "frequent. message: the whole is not a JSON object, unknown: a field that the contract "
            "does not have. A record may break several.",
            "short",
            now(f"sort_desc(topk(12, {broken} > 0))", "{{field}}"),
        )
        .thresholds(steps(WARNING))
        .decimals(0)
        .no_value("no violations")
    )


def records_lost(choice: Choice) -> Panel:
    """What Kafka deleted too early, over time."""
    return time_series(
        "Records Lost",
        "Records that Kafka deleted before the query had read them.",
        "short",
        query(
            total(increase(choice.series(catalogue.RECORDS_LOST)), "topic", "partition"),
            "lost of {{topic}}[{{partition}}]",
        ),
    )


def burn(choice: Choice, title: str, share: str, allowed: float) -> Panel:
    """How many times faster than allowed a budget is used up."""
    of_job = choice.without("instance")
    panel = time_series(
        title,
        "How many times faster than the objective allows the budget is used up: 1 lasts for the "
        "month, the line (14.4) for two days.",
        "none",
        *(
            query(f"max({of_job.series(f'{share}{window}')}) / {allowed:g}", window)
            for window in WINDOWS
        ),
    )
    return with_limit(panel, 14.4).span(12)
