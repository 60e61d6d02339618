"""Scheduled runs: what each has left at the Pushgateway."""

from __future__ import annotations

from grafana_foundation_sdk.models import dashboard

from dashboards.boards.parts.blocks import (
    Panel,
    history,
    linked,
    now,
    number,
    query,
    time_series,
    word,
)
from dashboards.boards.parts.choice import Choice, of_runs, or_unknown
from dashboards.boards.parts.colours import BAD, GOOD, PLAIN, UNKNOWN, WARNING, steps, words
from dashboards.boards.parts.frame import board, entry
from dashboards.site import Site
from stream_telemetry.metrics import pushed
from stream_telemetry.metrics.metric import Metric

_NO_RUNS = -3
_OUTCOMES: dict[float, tuple[str, str]] = {
    0: ("running", "blue"),
    1: ("failed", BAD),
    2: ("succeeded", GOOD),
    3: ("silent", BAD),
}
_CODES: dict[float, tuple[str, str]] = {
    **{-1: ("running", "blue"), 0: ("0 done", GOOD), 1: ("1 unforeseen", BAD)},
    **{2: ("2 settings", BAD), 3: ("3 model", BAD), 4: ("4 Kafka", BAD), 5: ("5 query", BAD)},
    **{6: ("6 records lost", BAD), 7: ("7 bad record", BAD), 130: ("130 stopped", WARNING)},
}
_SILENT_SECONDS = 900


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
            "Latest run": [
                *(outcome(choice), code(choice), last_success(choice)),
                *(interval_used(choice), last_start(choice), last_push(choice)),
            ],
            "Runs": [outcomes(choice), took(choice)],
            "Records": [run_records(choice), batch_records(choice), batch_seconds(choice)],
            "Batches": [run_batches(choice), batch_number(choice)],
        },
    )


def outcome(choice: Choice) -> Panel:
    """How the latest run of each group stands."""
    end, ok = choice.series(pushed.RUN_END), choice.series(pushed.RUN_OK)
    age = f"time() - {choice.series('push_time_seconds')}"
    silent = f"3 + 0 * ({end} == 0 and {age} > {_SILENT_SECONDS})"
    panel = word(
        "Latest Run",
        "Of each group. silent: it has not said that it ended, and has pushed nothing for 15 "
        "minutes: killed, most likely.",
        {**_OUTCOMES, _NO_RUNS: ("no runs", BAD)},
        now(or_unknown(f"({silent}) or (({end} > bool 0) + {ok})", _NO_RUNS), "{{instance}}"),
    )
    return linked(panel, "Runbook: RunFailed", entry("RunFailed"))


def code(choice: Choice) -> Panel:
    """The exit code of the latest run of each group."""
    panel = number(
        "Exit Code",
        "Of the latest run of each group.",
        "none",
        now(or_unknown(choice.series(pushed.RUN_EXIT_CODE), _NO_RUNS), "{{instance}}"),
    )
    panel.mappings(words({**_CODES, _NO_RUNS: ("no runs", BAD)})).thresholds(steps(BAD))
    return linked(panel, "Runbook: RunFailed", entry("RunFailed"))


def last_success(choice: Choice) -> Panel:
    """How old the last success is."""
    panel = number(
        "Last Success",
        "Time since a run of each group last ended as it should; runs that fail leave it as it is.",
        "s",
        now(or_unknown(_since(choice, pushed.LAST_SUCCESS)), "{{instance}}"),
    )
    panel.mappings(words({UNKNOWN: ("never", BAD)})).thresholds(steps(BAD, (0, PLAIN)))
    return linked(panel, "Runbook: RunOverdue", entry("RunOverdue"))


def interval_used(choice: Choice) -> Panel:
    """How much of the expected interval has gone by."""
    expected = f"({choice.series(pushed.EXPECTED_INTERVAL)} > 0)"
    used = f"({_since(choice, pushed.LAST_SUCCESS)}) / {expected}"
    started = f"({_since(choice, pushed.RUN_STARTED)}) / {expected}"
    panel = number(
        "Interval Used",
        "Since the last success, as a share of --expected-interval; from 125 % it is overdue.",
        "percentunit",
        now(or_unknown(f"{used} or {started}"), "{{instance}}"),
    )
    panel.mappings(words({UNKNOWN: ("not set", PLAIN)})).decimals(0)
    panel.thresholds(steps(PLAIN, (0, GOOD), (1, WARNING), (1.25, BAD)))
    return linked(panel, "Runbook: RunOverdue", entry("RunOverdue"))


def last_start(choice: Choice) -> Panel:
    """When the latest run started."""
    panel = number(
        "Last Start",
        "Time since the latest run of each group began.",
        "s",
        now(or_unknown(_since(choice, pushed.RUN_STARTED)), "{{instance}}"),
    )
    return panel.mappings(words({UNKNOWN: ("never", BAD)})).thresholds(steps(BAD, (0, PLAIN)))


def last_push(choice: Choice) -> Panel:
    """How old the newest push is."""
    panel = number(
        "Last Push",
        "Time since each group was last pushed to; a run pushes at least every minute.",
        "s",
        now(or_unknown(f"time() - {choice.series('push_time_seconds')}"), "{{instance}}"),
    )
    panel.mappings(words({UNKNOWN: ("never", BAD)})).thresholds(steps(BAD, (0, PLAIN)))
    return linked(panel, "Runbook: StalePush", entry("StalePush"))


def outcomes(choice: Choice) -> Panel:
    """How runs have ended, over time."""
    end, ok = choice.series(pushed.RUN_END), choice.series(pushed.RUN_OK)
    return history(
        "Outcomes",
        "How the latest run of each group stood, over time.",
        _OUTCOMES,
        query(f"({end} > bool 0) + {ok}", "{{instance}}"),
    )


def took(choice: Choice) -> Panel:
    """How long runs took."""
    return time_series(
        "Run Took",
        "Time from the start to the end of the latest run of each group, or to its latest push.",
        "s",
        query(choice.series(pushed.RUN_TOOK), "{{instance}}"),
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
        query(_since(choice, pushed.BATCH_END), "since its end, {{instance}}"),
    )


def run_batches(choice: Choice) -> Panel:
    """Batches of the latest run."""
    return time_series(
        "Batches of the Run",
        "Batches since the start of the latest run of each group.",
        "short",
        query(choice.series(pushed.RUN_BATCHES), "{{instance}}"),
    ).span(12)


def batch_number(choice: Choice) -> Panel:
    """The number of the latest batch."""
    return time_series(
        "Batch Number",
        "Of the batch that was pushed last; it rises over runs; 0 until a run's first batch.",
        "none",
        query(choice.series(pushed.BATCH_ID), "{{instance}}"),
    ).span(12)


def _since(choice: Choice, moment: Metric) -> str:
    """Time since a moment that has been."""
    return f"time() - ({choice.series(moment)} > 0)"


def _fates(choice: Choice, title: str, description: str, *metrics: Metric) -> Panel:
    names = ("read", "passed", "dead letters")
    queries = (
        query(choice.series(metric), f"{name}, {{{{instance}}}}")
        for name, metric in zip(names, metrics, strict=True)
    )
    return time_series(title, description, "short", *queries)
