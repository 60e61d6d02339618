"""A collector that keeps what it gets over OTLP, read by OpenTelemetry's published schemas."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import accumulate

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality, Metric
from opentelemetry.proto.trace.v1.trace_pb2 import Span

Labels = frozenset[tuple[str, str]]


class Collector(ThreadingHTTPServer):
    """Answers with `status`, once `answers` is set.

    Attributes:
        metrics: the requests of one kind.
        traces: those of the other.
        headers: of all requests.
    """

    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Receiver)
        self.status = 200
        self.answers = threading.Event()
        self.answers.set()
        self.metrics: list[ExportMetricsServiceRequest] = []
        self.traces: list[ExportTraceServiceRequest] = []
        self.headers: list[Mapping[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def latest(self) -> dict[str, Metric]:
        """The metrics of the last request, by name."""
        (resource,) = self.metrics[-1].resource_metrics
        (scope,) = resource.scope_metrics
        assert len({metric.name for metric in scope.metrics}) == len(scope.metrics)
        return {metric.name: metric for metric in scope.metrics}

    @property
    def spans(self) -> list[Span]:
        """All spans that were taken."""
        return [
            span
            for request in self.traces
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    @property
    def resource(self) -> dict[str, str]:
        """What the last metrics are of."""
        return attributes(self.metrics[-1].resource_metrics[0].resource.attributes)


class _Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        collector = self.server
        assert isinstance(collector, Collector)
        assert self.headers["Content-Type"] == "application/x-protobuf"
        body = self.rfile.read(int(self.headers["Content-Length"]))
        collector.headers.append(dict(self.headers.items()))
        collector.answers.wait()
        if collector.status == 200:
            if self.path == "/v1/metrics":
                collector.metrics.append(ExportMetricsServiceRequest.FromString(body))
            elif self.path == "/v1/traces":
                collector.traces.append(ExportTraceServiceRequest.FromString(body))
        self.send_response(collector.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def collector(port: int = 0) -> Iterator[Collector]:
    made = Collector(port)
    thread = threading.Thread(target=made.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield made
    finally:
        made.answers.set()
        made.shutdown()
        thread.join()
        made.server_close()


@dataclass
class Series:
    """Values as a scrape has them: by the name of the sample and its labels."""

    values: dict[tuple[str, Labels], float] = field(default_factory=dict)

    def add(self, name: str, labels: Mapping[str, str], value: float) -> None:
        self.values[name, frozenset(labels.items())] = value


def as_scraped(metrics: Mapping[str, Metric]) -> dict[tuple[str, Labels], float]:
    """The samples that Prometheus makes of these metrics."""
    series = Series()
    for name, metric in metrics.items():
        assert metric.WhichOneof("data") in ("sum", "gauge", "histogram"), name
        if metric.HasField("sum"):
            assert metric.sum.is_monotonic
            assert metric.sum.aggregation_temporality == _CUMULATIVE
        for point in (*metric.sum.data_points, *metric.gauge.data_points):
            series.add(name, attributes(point.attributes), point.as_double)
        if metric.HasField("histogram"):
            assert metric.histogram.aggregation_temporality == _CUMULATIVE
        for histogram in metric.histogram.data_points:
            labels = attributes(histogram.attributes)
            bounds = [*map(float, histogram.explicit_bounds), float("inf")]
            for bound, count in zip(bounds, accumulate(histogram.bucket_counts), strict=True):
                series.add(f"{name}_bucket", {**labels, "le": str(bound)}, count)
            series.add(f"{name}_count", labels, histogram.count)
            series.add(f"{name}_sum", labels, histogram.sum)
    return series.values


def attributes(pairs: Iterable[KeyValue]) -> dict[str, str]:
    """As text, whatever their types are."""
    return {
        pair.key: str(getattr(pair.value, pair.value.WhichOneof("value") or "string_value"))
        for pair in pairs
    }


_CUMULATIVE = AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
