"""Colours that mean the same on every dashboard."""

from __future__ import annotations

from collections.abc import Mapping

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.models import dashboard

GOOD, WARNING, BAD, PLAIN = "green", "orange", "red", "text"
UNKNOWN = -1
"""The value of a number that nobody answers for; shown in words, and red."""

BY_STATE = {
    "running": GOOD,
    "idle": GOOD,
    "starting": "blue",
    "stopping": "blue",
    "restarting": WARNING,
    "lagging": WARNING,
    "slow_sink": WARNING,
    "stalled": BAD,
    "failed": BAD,
    "no answer": BAD,
}
BY_SERIES = {
    "^(success|passed|succeeded)": GOOD,
    "^(failed|dead letters|refused|lost)": BAD,
    "^validation_error": "yellow",
    "^processing_error": "orange",
    "^inference_error": "red",
    "^unknown_error": "purple",
    "^validation$": "blue",
    "^transformation$": "purple",
    "^inference$": "orange",
    "^total$": "dark-green",
    "^p50": "light-blue",
    "^p95": "blue",
    "^p99": "dark-blue",
    "^average": "dark-green",
    "^(latest|read)": "dark-purple",
}
"""Of lines and slices, by a regular expression of their names."""


def fixed(colour: str) -> list[dashboard.DynamicConfigValue]:
    """The override that gives a series its colour."""
    return [dashboard.DynamicConfigValue("color", {"mode": "fixed", "fixedColor": colour})]


def steps(lowest: str, *above: tuple[float, str]) -> builders.ThresholdsConfig:
    """Colours by value: the lowest one, and from which value on another one holds."""
    thresholds = [dashboard.Threshold(value=None, color=lowest)]
    thresholds += [dashboard.Threshold(value=value, color=color) for value, color in above]
    return builders.ThresholdsConfig().mode(dashboard.ThresholdsMode.ABSOLUTE).steps(thresholds)


def words(texts: Mapping[float, tuple[str, str]]) -> list[dashboard.ValueMapping]:
    """A word and a colour instead of a number: `words({0: ("Unhealthy", "red")})`."""
    results = {
        f"{value:g}": dashboard.ValueMappingResult(text=text, color=color, index=index)
        for index, (value, (text, color)) in enumerate(texts.items())
    }
    return [dashboard.ValueMap(options=results)]
