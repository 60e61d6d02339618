"""The first row of the overview: what a person must know within five seconds."""

from __future__ import annotations

from grafana_foundation_sdk.builders import stat
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue

from dashboards.alerts.life import LOADED
from dashboards.alerts.promql import at_bound
from dashboards.boards.parts.blocks import NOBODY, Panel, judged, linked, now, number, word
from dashboards.boards.parts.choice import (
    Choice,
    increase,
    known_targets,
    or_unknown,
    rate,
    share,
    total,
)
from dashboards.boards.parts.colours import (
    BAD,
    BY_STATE,
    GOOD,
    PLAIN,
    UNKNOWN,
    WARNING,
    fixed,
    steps,
    words,
)
from dashboards.boards.parts.frame import entry
from dashboards.boards.replicas import replicas
from dashboards.site import Site
from stream_telemetry.metrics import catalogue

IDLE = -2
"""The value of a share that there is none of, as no records come in."""


def health(site: Site, choice: Choice) -> list[Panel]:
    """The row, from left to right: its state first, then what shows that something is wrong."""
    return [
        *(state(choice), firing(choice), oldest(site, choice)),
        *(unaccounted(choice), success_rate(choice), consumer_health(choice)),
        *(time_since_progress(choice), busy(choice), late(site, choice)),
        *(lag(site, choice), restarts(site, choice), telemetry_errors(choice)),
        replicas(site, choice),
    ]


def state(choice: Choice) -> Panel:
    """The states that the replicas are in, each once, by name."""
    dead = f"count(({known_targets(choice)}) == 0) > 0 or absent({choice.series(catalogue.INFO)})"
    panel = number(
        "State",
        "Of each replica, now. idle: nothing comes in. lagging: the oldest record waits too long. "
        "slow_sink: a batch lasts because the broker takes little. "
        f"stalled: no sign of life for longer than the trigger promises. {NOBODY}: it is dead, or "
        "cannot be reached, or is not scraped.",
        "none",
        now(f"max by (state) ({choice.series(catalogue.STATE)} == 1)", "{{state}}"),
        now(f'label_replace({dead}, "state", "{NOBODY}", "", "")', "{{state}}"),
    )
    for name, colour in BY_STATE.items():
        panel.override_by_name(name, fixed(colour))
    panel.text_mode(common.BigValueTextMode.NAME).thresholds(steps(BAD))
    return _explained(panel, "JobDown")


def firing(choice: Choice) -> Panel:
    """How many alerts fire."""
    of_job = choice.without("instance")

    def count(severity: str) -> str:
        """How many alerts of this severity fire."""
        alerts = of_job.series("ALERTS", alertstate="firing", severity=severity)
        return or_unknown(f"count({alerts}) or on () 0 * {LOADED}")

    colours = ((None, BAD), (0, GOOD), (1, WARNING))
    marks = {"mode": "absolute", "steps": [{"value": v, "color": colour} for v, colour in colours]}
    return (
        number(
            "Alerts Firing",
            "Of the chosen jobs; Prometheus, Alerts, says which.",
            "short",
            now(count("critical"), "critical"),
            now(count("warning"), "warning"),
        )
        .thresholds(steps(BAD, (0, GOOD), (1, BAD)))
        .override_by_name("warning", [DynamicConfigValue("thresholds", marks)])
        .mappings(words({UNKNOWN: ("rules not loaded", BAD)}))
    )


def oldest(site: Site, choice: Choice) -> Panel:
    """How long the next record has waited."""
    limit = site.limits.fresh_seconds
    panel = judged(
        "Oldest Waiting",
        "Age of the oldest record that waits, by its Kafka timestamp; 0 where none does.",
        "s",
        f"max({choice.series(catalogue.LAG_SECONDS)})",
        "oldest",
        *((limit / 2, WARNING), (limit, BAD)),
    )
    return _explained(panel, "LagNotDraining")


def unaccounted(choice: Choice) -> Panel:
    """Records that vanished, by the query's own count."""
    panel = judged(
        "Unaccounted For",
        "Records read but not seen leaving, since the start of the run. It must be 0.",
        "short",
        total(choice.series(catalogue.UNACCOUNTED)),
        "records",
        (1, BAD),
    )
    return _explained(panel, "RecordsUnaccounted")


def success_rate(choice: Choice) -> Panel:
    """The guide's panel 2, with words where there is no share."""
    good = total(rate(choice.series(catalogue.PROCESSED, status="success")))
    every = total(rate(choice.series(catalogue.PROCESSED)))
    panel = number(
        "Success Rate (%)",
        "Share of the records that became predictions.",
        "percent",
        now(_or_idle(choice, f"100 * {share(good, every)}"), "success"),
    )
    panel.mappings(words({UNKNOWN: (NOBODY, BAD), IDLE: ("no records", PLAIN)})).decimals(2)
    panel.thresholds(steps(BAD, (95, "yellow"), (99, GOOD)))
    return _explained(panel, "HighErrorRate")


def consumer_health(choice: Choice) -> Panel:
    """The guide's panel 6."""
    panel = word(
        "Consumer Health",
        "Whether each replica that answers has its model and reaches the broker.",
        {0: ("Unhealthy", BAD), 1: ("Healthy", GOOD)},
        now(or_unknown(f"min({choice.series(catalogue.MODEL_LOADED)})"), "model"),
        now(or_unknown(f"min({choice.series(catalogue.BROKER_CONNECTED)})"), "broker"),
    )
    return _explained(panel, "ConsumerDisconnected")


def time_since_progress(choice: Choice) -> Panel:
    """How long the query has been silent."""
    panel = judged(
        "Since Progress",
        "Time since the query was last heard of; a healthy one is heard of with every trigger, or "
        "every 10 seconds when it is idle.",
        "s",
        f"max({choice.series(catalogue.PROGRESS_AGE)})",
        "silent",
        *((60, WARNING), (180, BAD)),
    )
    return _explained(panel, "QueryHung")


def busy(choice: Choice) -> Panel:
    """What reserve is left."""
    panel = judged(
        "Busy",
        "Share of the time that batches take, of the busiest replica. At 100 % no reserve is left.",
        "percentunit",
        f"max({choice.series(catalogue.BUSY_RATIO)})",
        "busy",
        (0.8, WARNING),
    )
    return _explained(panel, "ConsumerLagIncreasing")


def late(site: Site, choice: Choice) -> Panel:
    """The share of records that were too old."""
    bound = at_bound(site.limits.fresh_seconds)
    bucket = choice.part(catalogue.END_TO_END, "bucket").replace("}", f",{bound}}}")
    every = total(rate(choice.part(catalogue.END_TO_END, "count")))
    budget = round(1 - site.limits.fresh_objective, 6)
    panel = number(
        "Late Records",
        f"Share of the records that were over {site.limits.fresh_seconds:g} s old when they were "
        f"dealt with. The objective allows {budget * 100:.3g} % over a month.",
        "percentunit",
        now(_or_idle(choice, f"1 - {share(total(rate(bucket)), every)}"), "late"),
    )
    panel.mappings(words({UNKNOWN: (NOBODY, BAD), IDLE: ("no records", PLAIN)})).decimals(1)
    panel.thresholds(steps(BAD, (0, GOOD), (budget, WARNING), (round(14.4 * budget, 6), BAD)))
    return _explained(panel, "LateRecordsBurnFast")


def lag(site: Site, choice: Choice) -> Panel:
    """How many records wait."""
    panel = judged(
        "Lag",
        "Records between the committed positions and the ends of all partitions.",
        "short",
        total(choice.series(catalogue.LAG)),
        "records",
        (site.limits.lag, WARNING),
    )
    return _explained(panel, "ConsumerLagIncreasing")


def restarts(site: Site, choice: Choice) -> Panel:
    """Starts within an hour."""
    starts = f"changes({choice.series(catalogue.PROCESS_START)}[1h])"
    again = increase(choice.series(catalogue.RESTARTS), "1h")
    panel = judged(
        "Restarts",
        "Of the query or its process, within the last hour. Each one may repeat a batch.",
        "short",
        f"{total(again)} + {total(starts)}",
        "restarts",
        *((0.5, WARNING), (site.limits.restarts + 1, BAD)),
    )
    return _explained(panel.decimals(0), "RestartsTooMany")


def telemetry_errors(choice: Choice) -> Panel:
    """What went wrong beside the records."""
    errors = (
        *(catalogue.LISTENER_ERRORS, catalogue.POLL_ERRORS, catalogue.COMMIT_ERRORS),
        *(catalogue.PUSH_ERRORS, catalogue.OTLP_ERRORS, catalogue.OTLP_DROPPED),
        *(catalogue.LOG_ERRORS, catalogue.WORKER_ERRORS),
    )
    risen = " + ".join(total(increase(choice.series(metric), "1h")) for metric in errors)
    panel = judged(
        "Telemetry Errors",
        "Observation that failed within the last hour; the records themselves are not touched by "
        "it. The dashboard Engine says what it was.",
        "short",
        risen,
        "errors",
        (0.5, WARNING),
    )
    return _explained(panel.decimals(0), "TelemetryThreadDown")


def _or_idle(choice: Choice, expression: str) -> str:
    """A share; `IDLE` where there are no records, `UNKNOWN` where nobody answers."""
    answers = f"{IDLE} + 0 * max({choice.series(catalogue.PROGRESS_AGE)})"
    return or_unknown(f"({expression}) or on () ({answers})")


def _explained(panel: stat.Panel, alert: str) -> Panel:
    return linked(panel, f"Runbook: {alert}", entry(alert))
