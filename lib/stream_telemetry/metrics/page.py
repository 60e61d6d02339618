"""Writes docs/metrics.md, the catalogue as a page: `python -m stream_telemetry.metrics.page`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from stream_telemetry.metrics.catalogue import (
    CATALOGUE,
    PHASES,
    SIGNALS,
    STATES,
    STATUSES,
    WORKERS,
)
from stream_telemetry.metrics.metric import Metric
from stream_telemetry.metrics.of_model import ANSWERS, FATES, OUTCOMES, SHADOW_ANSWERS, WINDOWS

PAGE = Path(__file__).resolve().parents[3] / "docs" / "metrics.md"
"""Where the page is."""

_INTRODUCTION = """\
# Metrics

<!-- Made by `python -m stream_telemetry.metrics.page`; a test compares. -->

Scraped from the exporter (`--metrics-port`). A counter starts at 0 with the process, and each of
its series is there from the first scrape. `stream_…` and `kafka_…` describe any query that uses
`stream_telemetry`; `model_…` and `kafka_consumer_model_loaded` are there when it has a model.
"""
_PUSHED = """\
## Pushed

Pushed to the Pushgateway (`--pushgateway`) from a run's first moment, after each batch, at least
every minute, and at its end, whatever ends it; under a `job` (the query), an `instance` (its
consumer group) and the labels of `--pushgateway-labels`, which stay the same after a restart. The
names are never those of scraped metrics, so that a sum over both counts nothing twice. A stream
that is stopped in good order deletes its group; the group of a run with an end (`--trigger once`)
stays, and so does that of a run that failed.
"""
_LABELS = {
    "status": ", ".join(STATUSES),
    "error_type": "the job's own, and unknown_error",
    "operation": "the job's steps; here validation, transformation (next to nothing: the score "
    "reads the event), inference, total",
    "topic": "the topic that is read",
    "partition": "its partitions",
    "right": "Read, Write, DescribeConfigs",
    "resource": "a topic of the job, or its group",
    "field": "the contract's fields, message, unknown",
    "phase": ", ".join(PHASES),
    "state": ", ".join(STATES),
    "feature": "the features that the model's manifest names",
    "window": f"{', '.join(WINDOWS)}: the latest records (`--drift-records`), and those of the "
    "latest minutes (`--drift-minutes`); too few of them have no series but their number",
    "decided": ", ".join(ANSWERS),
    "label": ", ".join(ANSWERS),
    "shadow": ", ".join(SHADOW_ANSWERS),
    "score": "upper bounds of tenths, 0.1 to 1",
    "outcome": ", ".join(OUTCOMES),
    "fate": ", ".join(FATES),
    "signal": ", ".join(SIGNALS),
    "worker": f"{', '.join(WORKERS)}; those that run",
}


def catalogue_page() -> str:
    """The page, in Markdown."""
    parts = [
        _INTRODUCTION,
        "## Scraped\n",
        *_table(metric for metric in CATALOGUE if metric.source == "scrape"),
        "\n## Labels\n",
        "Every set of values is closed: what a record holds never becomes a label.\n",
        "| label | values |\n| --- | --- |",
        *(f"| `{name}` | {values} |" for name, values in _LABELS.items()),
        "\n## Buckets\n",
        *(
            f"- `{metric.name}`: {', '.join(f'{bound:g}' for bound in metric.buckets)}"
            for metric in CATALOGUE
            if metric.buckets
        ),
        f"\n{_PUSHED}",
        *_table(metric for metric in CATALOGUE if metric.source == "push"),
    ]
    return "\n".join(parts) + "\n"


def _table(metrics: Iterable[Metric]) -> Iterator[str]:
    yield "| name | type | labels | unit | meaning | shown on |"
    yield "| --- " * 6 + "|"
    for metric in metrics:
        labels = ", ".join(f"`{label}`" for label in metric.labels)
        yield (
            f"| `{metric.name}` | {metric.kind} | {labels} | {metric.unit} "
            f"| {metric.help} | {metric.shown} |"
        )


if __name__ == "__main__":
    PAGE.write_text(catalogue_page(), encoding="utf-8")
