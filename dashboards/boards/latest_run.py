"""The first row of the scheduled runs: the latest run of each group, in numbers and words."""

from __future__ import annotations

from grafana_foundation_sdk.builders import stat

from dashboards.boards.parts.blocks import Panel, linked, now, number, word
from dashboards.boards.parts.choice import Choice, or_unknown
from dashboards.boards.parts.colours import BAD, GOOD, PLAIN, UNKNOWN, WARNING, steps, words
from dashboards.boards.parts.frame import entry
from stream_telemetry.metrics import pushed
from stream_telemetry.metrics.metric import Metric

_NO_RUNS = -3
OUTCOMES: dict[float, tuple[str, str]] = {
    0: ("running", "blue"),
    1: ("failed", BAD),
    2: ("succeeded", GOOD),
    3: ("silent", BAD),
}
_SILENT = -2
_CODES: dict[float, tuple[str, str]] = {
    _SILENT: ("none, silent", BAD),
    **{-1: ("running", "blue"), 0: ("0 done", GOOD), 1: ("1 unforeseen", BAD)},
    **{2: ("2 settings", BAD), 3: ("3 model", BAD), 4: ("4 Kafka", BAD), 5: ("5 query", BAD)},
    **{6: ("6 records lost", BAD), 7: ("7 bad record", BAD), 130: ("130 stopped", WARNING)},
}
_SILENT_SECONDS = 900


def latest_run(choice: Choice) -> list[Panel]:
    """The row, from left to right."""
    return [
        *(outcome(choice), code(choice), last_success(choice)),
        *(interval_used(choice), last_start(choice), last_push(choice)),
    ]


def stands(choice: Choice) -> str:
    """How the latest run of each group stands, by the keys of `OUTCOMES`."""
    end, ok = choice.series(pushed.RUN_END), choice.series(pushed.RUN_OK)
    return f"({_silent(choice, 3)}) or (({end} > bool 0) + {ok})"


def outcome(choice: Choice) -> Panel:
    """How the latest run of each group stands."""
    panel = word(
        "Latest Run",
        "Of each group. silent: it has not said that it ended, and has pushed nothing for 15 "
        "minutes: killed, most likely.",
        {**OUTCOMES, _NO_RUNS: ("no runs", BAD)},
        now(or_unknown(stands(choice), _NO_RUNS), "{{instance}}"),
    )
    return linked(panel, "Runbook: RunFailed", entry("RunFailed"))


def code(choice: Choice) -> Panel:
    """The exit code of the latest run of each group."""
    codes = choice.series(pushed.RUN_EXIT_CODE)
    panel = number(
        "Exit Code",
        "Of the latest run of each group.",
        "none",
        now(or_unknown(f"({_silent(choice, _SILENT)}) or {codes}", _NO_RUNS), "{{instance}}"),
    )
    panel.mappings(words({**_CODES, _NO_RUNS: ("no runs", BAD)})).thresholds(steps(BAD))
    return linked(panel, "Runbook: RunFailed", entry("RunFailed"))


def last_success(choice: Choice) -> Panel:
    """How old the last success is."""
    panel = _age(
        "Last Success",
        "Time since a run of each group last ended as it should; runs that fail leave it as it is.",
        since(choice, pushed.LAST_SUCCESS),
    )
    return linked(panel, "Runbook: RunOverdue", entry("RunOverdue"))


def interval_used(choice: Choice) -> Panel:
    """How much of the expected interval has gone by."""
    expected = f"({choice.series(pushed.EXPECTED_INTERVAL)} > 0)"
    used = f"({since(choice, pushed.LAST_SUCCESS)}) / {expected}"
    started = f"({since(choice, pushed.RUN_STARTED)}) / {expected}"
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
    return _age(
        "Last Start",
        "Time since the latest run of each group began.",
        since(choice, pushed.RUN_STARTED),
    )


def last_push(choice: Choice) -> Panel:
    """How old the newest push is."""
    panel = _age(
        "Last Push",
        "Time since each group was last pushed to; a run pushes at least every minute.",
        f"time() - {choice.series('push_time_seconds')}",
    )
    return linked(panel, "Runbook: StalePush", entry("StalePush"))


def _silent(choice: Choice, value: int) -> str:
    """A value for each group whose run has neither ended nor pushed for long."""
    end = choice.series(pushed.RUN_END)
    age = f"time() - {choice.series('push_time_seconds')}"
    return f"{value} + 0 * ({end} == 0 and {age} > {_SILENT_SECONDS})"


def since(choice: Choice, moment: Metric) -> str:
    """Time since a moment that has been."""
    return f"time() - ({choice.series(moment)} > 0)"


def _age(title: str, description: str, expression: str) -> stat.Panel:
    panel = number(title, description, "s", now(or_unknown(expression), "{{instance}}"))
    return panel.mappings(words({UNKNOWN: ("never", BAD)})).thresholds(steps(BAD, (0, PLAIN)))
