"""A span for each batch, which waits in a queue of bounded length until it is sent."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.trace import Link, SpanContext, SpanKind, StatusCode, TraceFlags
from opentelemetry.util.types import AttributeValue

from stream_telemetry.batch.progress import Batch
from stream_telemetry.batch.slowest import SlowRecord
from stream_telemetry.otlp.points import NANOSECONDS
from stream_telemetry.stream import Stream

MOST_WAITING = 2048
"""Spans, as in OpenTelemetry's own queue; the oldest one makes room for a newer one."""


class BatchSpans:
    """Makes the spans, and keeps those that have not been sent."""

    def __init__(self, stream: Stream, resource: Resource, on_drop: Callable[[int], None]) -> None:
        """Keeps nothing yet.

        Args:
            stream: whose batches they are.
            resource: that they are of.
            on_drop: told how many spans were dropped, when some are.
        """
        self._stream = stream
        self._on_drop = on_drop
        self._waiting: deque[ReadableSpan] = deque()
        self._lock = threading.Lock()
        # A batch that fails is told of by nobody before its end: it began after the one before.
        self._since = time.time()
        provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        provider.add_span_processor(_Ended(self._keep))
        self._tracer = provider.get_tracer("stream_telemetry", stream.version)

    def put(self, batch: Batch) -> None:
        """Makes the span of a completed batch; it links to the slowest record's trace."""
        self._since = batch.ended
        observed, slowest = batch.observed, batch.observed.slowest
        phases = {
            f"stream.phase.{name}_seconds": seconds
            for name, seconds in batch.phases.items()
            if name != "triggerExecution"  # the span's own length
        }
        attributes: dict[str, AttributeValue] = {
            "stream.batch_id": batch.number,
            "messaging.batch.message_count": batch.records_read,
            "stream.records_succeeded": observed.succeeded,
            "stream.records_failed": batch.records_failed,
            **phases,
        }
        links = [_link(slowest)] if slowest and slowest.span else []
        self._make(attributes, links, batch.started, batch.ended)

    def failed(self, reason: str) -> None:
        """Makes the span of what was under way when a run failed."""
        started, self._since = self._since, time.time()
        self._make({}, [], started, self._since, reason)

    def take(self) -> list[ReadableSpan]:
        """All that wait; they do so no longer."""
        with self._lock:
            taken = [*self._waiting]
            self._waiting.clear()
            return taken

    def give_back(self, spans: Sequence[ReadableSpan]) -> None:
        """Lets spans wait again, before those that came meanwhile."""
        with self._lock:
            self._waiting.extendleft(reversed(spans))
        self._drop_oldest()

    def _make(
        self,
        attributes: dict[str, AttributeValue],
        links: Sequence[Link],
        started: float,
        ended: float,
        error: str = "",
    ) -> None:
        stream = self._stream
        # The names of OpenTelemetry's conventions for messaging, where they have one.
        common = {
            "messaging.system": "kafka",
            "messaging.operation.type": "process",
            "messaging.operation.name": "process",
            "messaging.destination.name": stream.topic,
            "messaging.consumer.group.name": stream.consumer_group,
            "stream.query": stream.query,
        }
        span = self._tracer.start_span(
            f"process {stream.topic}",
            Context(),
            SpanKind.CONSUMER,
            {**common, **attributes},
            links,
            round(started * NANOSECONDS),
        )
        if error:
            span.set_status(StatusCode.ERROR, error)
        span.end(round(max(started, ended) * NANOSECONDS))

    def _keep(self, span: ReadableSpan) -> None:
        with self._lock:
            self._waiting.append(span)
        self._drop_oldest()

    def _drop_oldest(self) -> None:
        with self._lock:
            too_many = max(0, len(self._waiting) - MOST_WAITING)
            for _ in range(too_many):
                self._waiting.popleft()
        if too_many:
            self._on_drop(too_many)


class _Ended(SpanProcessor):
    """Hands on what has ended."""

    def __init__(self, hand_on: Callable[[ReadableSpan], None]) -> None:
        self._hand_on = hand_on

    def on_end(self, span: ReadableSpan) -> None:
        self._hand_on(span)


def _link(record: SlowRecord) -> Link:
    assert record.span is not None
    context = SpanContext(
        int(record.span.trace_id, 16),
        int(record.span.span_id, 16),
        is_remote=True,
        trace_flags=TraceFlags(TraceFlags.SAMPLED),
    )
    return Link(
        context,
        {
            "messaging.destination.partition.id": str(record.partition),
            "messaging.kafka.offset": record.offset,
            "stream.end_to_end_seconds": record.seconds,
        },
    )
