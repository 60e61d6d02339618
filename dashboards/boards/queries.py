"""PromQL for the panels: every series is chosen by the variables of the dashboard."""

from __future__ import annotations

from stream_telemetry.metrics.metric import Metric

CHOSEN = 'job=~"$job",instance=~"$instance"'
"""Which jobs and replicas the reader has chosen; in every query."""


def series(metric: Metric | str, **labels: str) -> str:
    """The series of a metric that the reader has chosen; a metric with a topic also by that.

    Args:
        metric: one of the catalogue, or the name of another program's.
        labels: further matchers; a value after `~` is a regular expression, one after `!` is not
            wanted.
    """
    name, known = (metric, ()) if isinstance(metric, str) else (metric.name, metric.labels)
    if "topic" in known:
        labels = {"topic": "~$topic", **labels}
    operators = {"!": "!=", "~": "=~"}
    matchers = "".join(
        f',{label}{operators.get(value[0], "=")}"{value.lstrip("!~")}"'
        for label, value in labels.items()
    )
    return f"{name}{{{CHOSEN}{matchers}}}"


def part(metric: Metric, suffix: str, **labels: str) -> str:
    """A histogram's `_bucket`, `_sum` or `_count`, chosen as in `series`."""
    return series(f"{metric.name}_{suffix}", **labels)


def rate(chosen: str) -> str:
    """Its rise in a second."""
    return f"rate({chosen}[$__rate_interval])"


def increase(chosen: str, window: str = "$__rate_interval") -> str:
    """Its rise within a window."""
    return f"increase({chosen}[{window}])"


def total(expression: str, *by: str) -> str:
    """The sum over all series, or of those that agree in some labels."""
    return f"sum by ({', '.join(by)}) ({expression})" if by else f"sum({expression})"


def share(numerator: str, denominator: str) -> str:
    """A quotient that has no value, instead of none that is a number, where there is nothing."""
    return f"{numerator} / ({denominator} > 0)"


def quantile(rank: float, metric: Metric, *by: str) -> str:
    """A percentile of a histogram, over all replicas; by labels of it, where given."""
    return f"histogram_quantile({rank:g}, {total(rate(part(metric, 'bucket')), *by, 'le')})"
