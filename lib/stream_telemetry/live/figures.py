"""The figures of the summary: what batches and metrics say, as values that JSON has."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from stream_telemetry.batch.observation import Histogram
from stream_telemetry.batch.progress import Batch
from stream_telemetry.live.percentile import added, percentile
from stream_telemetry.logs.backlog import RecordLine
from stream_telemetry.metrics import catalogue, of_model
from stream_telemetry.metrics.books import books_of
from stream_telemetry.metrics.bounds import END_TO_END_BUCKETS, PROCESSING_BUCKETS
from stream_telemetry.metrics.metric import Metric
from stream_telemetry.metrics.store import MetricStore
from stream_telemetry.timestamps import iso_utc

Figures = dict[str, object]
Ended = Sequence[tuple[float, Batch]]
"""Batches, each behind the moment of its end by the monotonic clock."""

_SHARES = {"p50_seconds": 0.5, "p95_seconds": 0.95, "p99_seconds": 0.99}
_DIGITS = 6


def rate(batches: Ended, now: float, seconds: float) -> Figures:
    """Records a second over the last `seconds`, or since the first batch began.

    Args:
        batches: those of that time.
        now: by the monotonic clock.
        seconds: how far to look back.
    """
    if batches:
        first, batch = batches[0]
        seconds = min(seconds, max(now - first + batch.seconds, 1.0))
    read = sum(batch.records_read for _, batch in batches)
    refused = sum(batch.records_failed for _, batch in batches)
    return {
        "seconds": seconds,
        "records_per_second": read / seconds,
        "refused_per_second": refused / seconds,
    }


def latencies(batches: Ended, seconds: float) -> Figures:
    """Percentiles of the records of these batches: end to end, and by operation of the plan."""
    observed = [batch.observed for _, batch in batches]
    operations = observed[-1].latencies if observed else {}
    return {
        "seconds": seconds,
        "end_to_end": spread([one.end_to_end for one in observed], END_TO_END_BUCKETS),
        "operations": {
            name: spread([one.latencies[name] for one in observed], PROCESSING_BUCKETS)
            for name in operations
        },
    }


def spread(histograms: Sequence[Histogram], bounds: Sequence[float]) -> Figures:
    """Percentiles, mean and number of what the histograms have counted together."""
    counts = added(histogram.counts for histogram in histograms)
    records = sum(counts)
    total = sum(histogram.total_seconds for histogram in histograms)
    return {
        "records": records,
        **{name: percentile(counts, bounds, share) for name, share in _SHARES.items()},
        "mean_seconds": total / records if records else None,
    }


def outcomes(store: MetricStore, topic: str, batches: Ended, seconds: float) -> Figures:
    """What became of the records: since the start, and lately."""
    books = books_of(store, topic)
    return {
        "total": {
            "read": books.read,
            "succeeded": books.succeeded,
            "refused": books.failed,
            "unaccounted": books.unaccounted,
            "lost": books.lost,
        },
        "recent": {
            "seconds": seconds,
            "read": sum(batch.records_read for _, batch in batches),
            "succeeded": sum(batch.observed.succeeded for _, batch in batches),
            "refused": sum(batch.records_failed for _, batch in batches),
        },
    }


def reasons(store: MetricStore, batches: Ended) -> Figures:
    """Why records were refused: by the step that did, and by the field whose rules they broke."""
    steps, fields = Counter[str](), Counter[str]()
    for _, batch in batches:
        steps.update(batch.observed.failed)
        fields.update(batch.observed.violations)
    return {
        "error_types": _counted(store, catalogue.FAILED, steps),
        "fields": _counted(store, catalogue.VIOLATIONS, fields),
    }


def _counted(store: MetricStore, metric: Metric, recent: Mapping[str, int]) -> list[Figures]:
    """A row for each value of the metric's first label that was counted, the most first."""
    totals = Counter[str]()
    for labels, value in store.series(metric).items():
        totals[labels[0]] += int(value)
    return [
        {"name": name, "total": total, "recent": recent.get(name, 0)}
        for name, total in totals.most_common()
        if total
    ]


def partitions(store: MetricStore) -> list[Figures]:
    """How far behind the query is in each partition, the worst first."""
    ages, held = store.series(catalogue.LAG_SECONDS), store.series(catalogue.HELD_BACK)
    found: list[Figures] = [
        {
            "topic": labels[0],
            "partition": int(labels[1]),
            "records": records,
            "oldest_seconds": ages.get(labels),
            "held_back": held.get(labels, 0.0),
        }
        for labels, records in sorted(store.series(catalogue.LAG).items(), key=lambda one: -one[1])
    ]
    return found


def batch_figures(batch: Batch) -> Figures:
    """A batch as a row."""
    return {
        "number": batch.number,
        "ended": iso(batch.ended),
        "seconds": batch.seconds,
        "records": batch.records_read,
        "refused": batch.records_failed,
        "end_to_end_p95_seconds": percentile(
            batch.observed.end_to_end.counts, END_TO_END_BUCKETS, 0.95
        ),
    }


def refused_figures(seen: float, line: RecordLine) -> Figures:
    """A refused record: where it is and why, and nothing that it holds."""
    source, violations = line.source, line.fields.get("violations")
    return {
        "seen": iso(seen),
        "topic": source and source.topic,
        "partition": source and source.partition,
        "offset": source and source.offset,
        "event_type": line.fields.get("event_type"),
        "error_type": line.fields.get("error_type"),
        "reasons": list(violations) if isinstance(violations, list) else [],
    }


def model(store: MetricStore) -> Figures:
    """The model that scores, and what is watched of it."""
    created = store.total(catalogue.MODEL_CREATED)
    known = {catalogue.MODEL_INFO, catalogue.MODEL_CREATED, of_model.SHADOW_INFO}
    shadows = [labels[0] for labels in store.series(of_model.SHADOW_INFO)]
    watched = [m for m in store.metrics() if m.name.startswith("model_") and m not in known]
    return {
        "is_loaded": bool(store.total(catalogue.MODEL_LOADED)),
        "versions": [labels[0] for labels in store.series(catalogue.MODEL_INFO)],
        "created": iso(created) if created else None,
        "age_seconds": time.time() - created if created else None,
        "shadow": shadows[0] if shadows else None,
        "figures": [
            {
                "name": metric.name,
                "labels": dict(zip(metric.labels, labels, strict=True)),
                "value": value,
            }
            for metric in watched
            for labels, value in store.series(metric).items()
        ],
    }


def iso(seconds: float) -> str:
    """A moment as ISO 8601, UTC, in milliseconds."""
    return iso_utc(datetime.fromtimestamp(seconds, UTC))


def plain(value: object) -> object:
    """The value with few digits, and null for what JSON has no number for."""
    if isinstance(value, float):
        # Fixed, not significant: a count of millions keeps its last one.
        return round(value, _DIGITS) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return value
