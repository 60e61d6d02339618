"""The metrics' values: written by many threads, read by a scrape as one snapshot."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
)
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector
from prometheus_client.samples import Exemplar
from prometheus_client.utils import floatToGoString

from stream_telemetry.metrics.metric import Metric

Labels = tuple[str, ...]


@dataclass
class _Histogram:
    """Records per bucket (the last one has no bound), and the sum of what they measured."""

    counts: list[int]
    total: float = 0.0
    exemplars: dict[int, Exemplar] = field(default_factory=dict)  # by bucket


@dataclass
class _Series:
    values: dict[Labels, float] = field(default_factory=dict)
    histograms: dict[Labels, _Histogram] = field(default_factory=dict)
    functions: dict[Labels, Callable[[], float]] = field(default_factory=dict)


class MetricStore(Collector):
    """Holds a value for each series of the declared metrics; register it with a registry.

    A series exists from the moment it is declared. Writing to one that is not makes it, so label
    values must come from closed sets.
    """

    def __init__(self) -> None:
        # Re-entrant: `together` holds it around writes that take it again.
        self._lock = threading.RLock()
        self._series: dict[Metric, _Series] = {}
        self._before_scrapes: list[Callable[[], None]] = []

    def together(self) -> threading.RLock:
        """A context manager: no scrape sees one of the writes in it without the others."""
        return self._lock

    def declare(self, metric: Metric, label_sets: Iterable[Labels] = ((),)) -> None:
        """Makes the series of `metric` exist, at 0."""
        with self._lock:
            series = self._series.setdefault(metric, _Series())
            for labels in label_sets:
                if metric.kind == "histogram":
                    empty = _Histogram([0] * (len(metric.buckets) + 1))
                    series.histograms.setdefault(labels, empty)
                else:
                    series.values.setdefault(labels, 0.0)

    def forget(self, metric: Metric) -> None:
        """Removes all series of a metric."""
        with self._lock:
            self._series.pop(metric, None)

    def add(self, metric: Metric, amount: float, *labels: str) -> None:
        """Raises a counter."""
        with self._lock:
            values = self._series.setdefault(metric, _Series()).values
            values[labels] = values.get(labels, 0.0) + amount

    def set(self, metric: Metric, value: float, *labels: str) -> None:
        """Sets a gauge."""
        with self._lock:
            self._series.setdefault(metric, _Series()).values[labels] = value

    def clear(self, metric: Metric, *labels: str) -> None:
        """Takes a gauge's series away: there is no value that would be true."""
        with self._lock:
            self._series.setdefault(metric, _Series()).values.pop(labels, None)

    def before_scrapes(self, function: Callable[[], None]) -> None:
        """Lets each scrape call `function` first, to set and clear what follows from the moment."""
        with self._lock:
            self._before_scrapes.append(function)

    def refresh(self) -> None:
        """Sets and clears what follows from the moment, for who reads values without a scrape."""
        for function in list(self._before_scrapes):
            function()

    def compute(self, metric: Metric, function: Callable[[], float], *labels: str) -> None:
        """Lets each scrape ask `function` for the value of a gauge."""
        with self._lock:
            self._series.setdefault(metric, _Series()).functions[labels] = function

    def merge(self, metric: Metric, counts: Sequence[int], total: float, *labels: str) -> None:
        """Adds records to a histogram.

        Args:
            metric: the histogram.
            counts: records in each of its buckets, not cumulated, and beyond the last one.
            total: the sum of what they measured.
            labels: of the series.
        """
        with self._lock:
            self.declare(metric, [labels])
            histogram = self._series[metric].histograms[labels]
            histogram.counts = [a + b for a, b in zip(histogram.counts, counts, strict=True)]
            histogram.total += total

    def observe(self, metric: Metric, value: float, *labels: str) -> None:
        """Adds one measurement to a histogram."""
        first = bisect_left(metric.buckets, value)
        counts = [int(number == first) for number in range(len(metric.buckets) + 1)]
        self.merge(metric, counts, value, *labels)

    def exemplify(
        self,
        metric: Metric,
        value: float,
        names: Mapping[str, str],
        moment: float,
        *labels: str,
    ) -> None:
        """Names one of the measurements in a histogram, instead of the one named in its bucket.

        Args:
            metric: the histogram.
            value: what was measured.
            names: what tells where; at most 128 characters together.
            moment: when, in seconds since 1970.
            labels: of the series.
        """
        bucket = bisect_left(metric.buckets, value)
        with self._lock:
            self.declare(metric, [labels])
            histogram = self._series[metric].histograms[labels]
            histogram.exemplars[bucket] = Exemplar(dict(names), value, moment)

    def value(self, metric: Metric, *labels: str) -> float:
        """What a counter or gauge stands at; 0 if there is no such series."""
        with self._lock:
            return self._series.get(metric, _Series()).values.get(labels, 0.0)

    def total(self, metric: Metric) -> float:
        """What all series of a counter or gauge stand at together."""
        with self._lock:
            return sum(self._series.get(metric, _Series()).values.values())

    def series(self, metric: Metric) -> dict[Labels, float]:
        """What each series of a counter or gauge stands at; of an info, which labels it has."""
        with self._lock:
            return dict(self._series.get(metric, _Series()).values)

    def metrics(self) -> list[Metric]:
        """What is declared so far."""
        with self._lock:
            return [*self._series]

    def collect(self) -> Iterator[Family]:
        """The metric families of one moment, for a registry."""
        yield from self.families().values()

    def families(self) -> dict[Metric, Family]:
        """The same by metric."""
        self.refresh()
        # Computed first: a function may wait for a lock whose holder waits for ours.
        with self._lock:
            functions = [
                (metric, labels, compute)
                for metric, series in self._series.items()
                for labels, compute in series.functions.items()
            ]
        computed = [(metric, labels, compute()) for metric, labels, compute in functions]
        with self._lock:
            for metric, labels, value in computed:
                self._series[metric].values[labels] = value
            return {metric: _family(metric, series) for metric, series in self._series.items()}


def _family(metric: Metric, series: _Series) -> Family:
    if metric.kind == "histogram":
        family = HistogramMetricFamily(metric.name, metric.help, labels=metric.labels)
        for labels, histogram in series.histograms.items():
            # The text that prometheus_client's own histograms have as `le`.
            bounds = [*map(floatToGoString, metric.buckets), "+Inf"]
            cumulated = zip(bounds, accumulate(histogram.counts), strict=True)
            named = histogram.exemplars
            buckets = [
                (*bucket, named[number]) if number in named else bucket
                for number, bucket in enumerate(cumulated)
            ]
            family.add_metric(labels, buckets, histogram.total)
        return family
    if metric.kind == "info":
        # The family adds the suffix itself.
        info = InfoMetricFamily(metric.name.removesuffix("_info"), metric.help)
        for labels in series.values:
            info.add_metric([], dict(zip(metric.labels, labels, strict=True)))
        return info
    kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    plain = kind(metric.name, metric.help, labels=metric.labels)
    for labels, value in series.values.items():
        plain.add_metric(labels, value)
    return plain
