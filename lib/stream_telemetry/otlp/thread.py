"""Sends metrics and spans to a collector at regular times; the query never waits for it."""

from __future__ import annotations

import math
import time

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics.export import MetricsData, ResourceMetrics, ScopeMetrics
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from requests import Session

from stream_telemetry.batch.progress import Batch
from stream_telemetry.health import Health
from stream_telemetry.metrics import catalogue
from stream_telemetry.metrics.store import MetricStore
from stream_telemetry.otlp.channel import Channel
from stream_telemetry.otlp.points import exported
from stream_telemetry.otlp.spans import BatchSpans
from stream_telemetry.outlets.sender import Sender
from stream_telemetry.run.worker import Worker
from stream_telemetry.stream import Stream

TIMEOUT_SECONDS = 10.0
"""Of one export, attempts included; OpenTelemetry's own default."""
LAST_SECONDS = 2.0
"""Of each of the last two exports, for which the end of the run waits."""
_SCOPE = "stream_telemetry"


class OtlpThread(Sender):
    """Sends all metrics at each interval, and the spans of the batches that ended meanwhile."""

    def __init__(
        self, endpoint: str, interval: float, stream: Stream, store: MetricStore, health: Health
    ) -> None:
        """Prepares the thread.

        Args:
            endpoint: base URL of the collector.
            interval: seconds from one export to the next.
            stream: whose batches the spans are.
            store: of the metrics; it counts what is not taken too.
            health: gets to know whether the thread is well.

        Raises:
            TelemetryError: the headers in the environment are not written as OpenTelemetry wants.
        """
        self._interval = interval
        self._store = store
        self._resource = _resource_of(stream)
        self._scope = InstrumentationScope(_SCOPE, stream.version)
        self._began = time.time_ns()
        self._spans = BatchSpans(
            stream, self._resource, lambda spans: store.add(catalogue.OTLP_DROPPED, spans)
        )
        self._metrics_out = Channel("metrics", endpoint, _metric_exporter, store)
        self._spans_out = Channel("traces", endpoint, _span_exporter, store)
        for channel in (self._metrics_out, self._spans_out):
            channel.check()
        self._next = 0.0
        self._worker = Worker("otlp", self._step, store, health, close_seconds=2 * LAST_SECONDS)

    def start(self) -> None:
        """Sends for the first time, so that the first records are a rise of the counters."""
        self._worker.start()

    def put(self, batch: Batch) -> None:
        """Takes a batch's span; never waits."""
        self._spans.put(batch)

    def failed(self, reason: str) -> None:
        """Takes the span of what has failed; never waits."""
        self._spans.failed(reason)

    def finish(self) -> None:
        """Sends all once more; a collector that does not answer delays it by seconds."""
        self._worker.end(LAST_SECONDS)

    def _step(self) -> float:
        if self._worker.is_ending:
            self._export(LAST_SECONDS)
            return math.inf
        if (due := self._next - time.monotonic()) > 0:
            return due
        self._next = time.monotonic() + self._interval
        self._export(TIMEOUT_SECONDS)
        return max(0.0, self._next - time.monotonic())

    def _export(self, seconds: float) -> None:
        if self._metrics_out.is_wanted:
            self._metrics_out.send(self._metrics(), seconds)
        spans = self._spans.take()
        if not (spans and self._spans_out.is_wanted):
            return
        is_taken = False
        try:
            is_taken = self._spans_out.send(spans, seconds)
        finally:
            if not is_taken:
                self._spans.give_back(spans)

    def _metrics(self) -> MetricsData:
        found = exported(self._store.families(), self._began, time.time_ns())
        scoped = ScopeMetrics(self._scope, found, schema_url="")
        return MetricsData([ResourceMetrics(self._resource, [scoped], schema_url="")])


def _resource_of(stream: Stream) -> Resource:
    """Whose signals they are; the variables of OpenTelemetry have the last word."""
    own = {
        "service.name": stream.query,
        "service.version": stream.version,
        "service.instance.id": stream.consumer_group,
    }
    return Resource.create(own).merge(OTELResourceDetector().detect())


def _metric_exporter(url: str, seconds: float, session: Session) -> OTLPMetricExporter:
    return OTLPMetricExporter(url, timeout=seconds, session=session)


def _span_exporter(url: str, seconds: float, session: Session) -> OTLPSpanExporter:
    return OTLPSpanExporter(url, timeout=seconds, session=session)
