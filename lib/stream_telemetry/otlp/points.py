"""The metrics in OpenTelemetry's own form, from the families that a scrape gets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby, pairwise
from typing import cast

from opentelemetry.sdk.metrics import Exemplar
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Histogram,
    HistogramDataPoint,
    NumberDataPoint,
    Sum,
)
from opentelemetry.sdk.metrics.export import Metric as Exported
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.samples import Exemplar as Named
from prometheus_client.samples import Sample

from stream_telemetry.metrics.metric import Metric

NANOSECONDS = 1_000_000_000
"""In a second."""
_UNITS = {"seconds": "s", "ratio": "1"}
"""As UCUM has them, by the word that the name ends with; so no collector adds another word."""
_BOUND = "le"


def exported(families: Mapping[Metric, Family], began: int, now: int) -> list[Exported]:
    """The metrics under the names that they have for Prometheus, with the same values.

    An info is a gauge of 1, as for Prometheus.

    Args:
        families: of one moment.
        began: since when counters and histograms count, in nanoseconds since 1970.
        now: that moment.
    """
    return [
        Exported(
            metric.name,
            metric.help,
            _UNITS.get(metric.unit, ""),
            _data(metric, family.samples, began, now),
        )
        for metric, family in families.items()
        if family.samples
    ]


def _data(metric: Metric, samples: list[Sample], began: int, now: int) -> Sum | Gauge | Histogram:
    if metric.kind == "histogram":
        points = [*_histogram_points(metric, samples, began, now)]
        return Histogram(points, AggregationTemporality.CUMULATIVE)
    # A series must not be whole numbers at one time and others later.
    numbers = [NumberDataPoint(one.labels, began, now, float(one.value)) for one in samples]
    if metric.kind == "counter":
        return Sum(numbers, AggregationTemporality.CUMULATIVE, is_monotonic=True)
    return Gauge(numbers)


def _histogram_points(
    metric: Metric, samples: list[Sample], began: int, now: int
) -> Iterator[HistogramDataPoint]:
    # A series' buckets, count and sum stand together, in this order.
    for labels, series in groupby(samples, _without_bound):
        *buckets, count, total = series
        reached = [0, *(round(bucket.value) for bucket in buckets)]
        yield HistogramDataPoint(
            attributes=dict(labels),
            start_time_unix_nano=began,
            time_unix_nano=now,
            count=round(count.value),
            sum=total.value,
            bucket_counts=[after - before for before, after in pairwise(reached)],
            explicit_bounds=metric.buckets,
            # Optional in OTLP, and not known; the SDK's types do not say so.
            min=cast("float", None),
            max=cast("float", None),
            exemplars=[_exemplar(bucket.exemplar) for bucket in buckets if bucket.exemplar],
        )


def _without_bound(sample: Sample) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in sample.labels.items() if name != _BOUND)


def _exemplar(named: Named) -> Exemplar:
    labels = dict(named.labels)
    trace = span = None
    if {"trace_id", "span_id"} <= labels.keys():
        trace, span = int(labels.pop("trace_id"), 16), int(labels.pop("span_id"), 16)
    moment = round(float(named.timestamp or 0) * NANOSECONDS)
    return Exemplar(labels, named.value, moment, span, trace)
