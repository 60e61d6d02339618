"""Everything together, for one query; docs/reuse.md shows how another job uses it."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from prometheus_client import CollectorRegistry
from pyspark.sql import SparkSession
from pyspark.sql.streaming.listener import (
    QueryIdleEvent,
    QueryProgressEvent,
    QueryStartedEvent,
    QueryTerminatedEvent,
)

from stream_telemetry.batch.history import BatchHistory
from stream_telemetry.batch.observation import Observation
from stream_telemetry.batch.progress import Batch, read_batch
from stream_telemetry.broker.lag import LagThread
from stream_telemetry.broker.offsets import BrokerOffsets
from stream_telemetry.broker.start_positions import resume_positions
from stream_telemetry.health import Health, Limits, limits_for
from stream_telemetry.logs.query import QueryLog
from stream_telemetry.logs.records import RecordLog
from stream_telemetry.metrics import catalogue
from stream_telemetry.metrics.declared import declare_all
from stream_telemetry.metrics.recorder import Recorder
from stream_telemetry.metrics.store import MetricStore
from stream_telemetry.outlets.pages import make_app
from stream_telemetry.outlets.push import PushThread
from stream_telemetry.outlets.server import Exporter
from stream_telemetry.run.lifecycle import JVM_ERRORS
from stream_telemetry.run.listener import Event, EventThread, QueryListener
from stream_telemetry.run.supervision import Restart
from stream_telemetry.stream import Outlets, Stream

DRAIN_SECONDS = 5.0
"""How long the end of a run waits for events that Spark still holds, and for the threads."""


class Telemetry:
    """Metrics, health, lag and pushes of one query; use it in a `with` statement.

    The port is taken when it is made, so that a job without one ends before it has done anything.
    """

    def __init__(
        self,
        stream: Stream,
        observation: Observation,
        outlets: Outlets,
        limits: Limits | None = None,
    ) -> None:
        """Prepares everything; nothing runs yet.

        Args:
            stream: the query.
            observation: what its plan tells of the records.
            outlets: where to show it.
            limits: when silence is alarming; by default, for a micro-batch every few seconds.

        Raises:
            TelemetryError: an outlet cannot be used; one line.
        """
        self.registry = CollectorRegistry()
        self._stream = stream
        self._observation = observation
        self._store = MetricStore()
        self._health = Health(
            limits or limits_for(0, is_realtime=False), has_model=bool(stream.model_backend)
        )
        self._recorder = Recorder(self._store, observation, stream.topic)
        self._events = EventThread[Event | Restart](
            self._evaluate, lambda: self._count(catalogue.LISTENER_ERRORS)
        )
        self._push = _push_thread(outlets, lambda: self._count(catalogue.PUSH_ERRORS))
        self._log = QueryLog(stream.logger, stream.query)
        self._history = BatchHistory()
        self._records = (
            RecordLog(outlets.record_log, self._store, self._history, lambda: self._log.context)
            if outlets.record_log
            else None
        )
        self._lag = self._lag_thread()
        declare_all(self._store, stream, self._health, outlets.lost_lines)
        self.registry.register(self._store)
        self._exporter: Exporter | None = None
        if outlets.port is not None:
            app = make_app(stream.query, self.registry, self._health, outlets.login)
            self._exporter = Exporter(outlets.host, outlets.port, app, outlets.tls)
        self._listener: QueryListener | None = None
        self._has_ended = threading.Event()
        self._has_ended.set()
        self._ended_well = False

    @property
    def url(self) -> str | None:
        """Address of the exporter; None without one."""
        return self._exporter.url if self._exporter else None

    @property
    def health(self) -> Health:
        """The query's state."""
        return self._health

    def model_loaded(self, version: str, created: float) -> None:
        """Notes that the model is there.

        Args:
            version: of the model.
            created: when it was made, in seconds since 1970.
        """
        self._store.set(catalogue.MODEL_LOADED, 1.0)
        self._store.declare(catalogue.MODEL_INFO, [(version,)])
        self._store.set(catalogue.MODEL_CREATED, created)
        self._health.set_model(is_loaded=True)

    def attach(self, spark: SparkSession) -> None:
        """Listens to the session's queries; call it before the query starts."""
        if self._records:
            self._records.start()
        self._listener = QueryListener(self._stream.query, self._receive)
        spark.streams.addListener(self._listener)

    def detach(self, spark: SparkSession) -> None:
        """Waits for what Spark still has to tell of the query's end, then listens no more."""
        if self._listener:
            # A JVM that is gone tells nothing more; this is how it shows.
            with contextlib.suppress(*JVM_ERRORS):
                spark.streams.active  # noqa: B018
                self._has_ended.wait(DRAIN_SECONDS)
                spark.streams.removeListener(self._listener)
            self._listener = None

    def restarting(self, restart: Restart) -> None:
        """Notes that the query has failed and will be started again."""
        # Or what Spark has still to tell of the failed run would come after this.
        self._has_ended.wait(DRAIN_SECONDS)
        self._events.put(restart)

    def stopping(self) -> None:
        """Notes that the query was asked to end."""
        self._health.stopping()

    def __enter__(self) -> Self:
        """Starts the threads and the exporter."""
        self._events.start()
        self._lag.start()
        if self._push:
            self._push.start()
        if self._exporter:
            self._exporter.start()
            logging.getLogger(self._stream.logger).info(
                "metrics at %s/metrics, health at %s/health", self.url, self.url
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Evaluates what there is, commits and pushes a last time, gives the port back."""
        self._events.finish(DRAIN_SECONDS)
        if self._records:
            self._records.finish(DRAIN_SECONDS)
        self._lag.finish(DRAIN_SECONDS)
        if self._push:
            is_well = kind is None and self._ended_well
            self._push.finish(succeeded=is_well, keep=self._stream.mode == "batch")
        if self._exporter:
            self._exporter.close()

    def _receive(self, event: Event) -> None:
        # Spark's own thread: `start()` returns after the first of these two.
        if isinstance(event, QueryStartedEvent):
            self._has_ended.clear()
        elif isinstance(event, QueryTerminatedEvent):
            self._has_ended.set()
        self._events.put(event)

    def _evaluate(self, event: Event | Restart) -> None:
        if isinstance(event, QueryProgressEvent):
            self._health.heard("running" if event.progress.numInputRows else "idle")
            self._take(read_batch(event.progress, self._observation))
        elif isinstance(event, QueryIdleEvent):
            self._health.heard("idle")
            self._recorder.idle()
        elif isinstance(event, QueryTerminatedEvent):
            self._ended_well = event.exception is None
            self._health.heard("stopping" if self._ended_well else "failed")
            self._log.ended(event.exception)
        elif isinstance(event, Restart):
            self._count(catalogue.RESTARTS)
            self._health.heard("restarting")
            self._log.restarting(event)
        else:
            self._health.heard("running")
            self._log.started(str(event.runId))
        self._tell_health()

    def _take(self, batch: Batch) -> None:
        self._recorder.record(batch)
        self._history.add(batch.number, batch.positions)
        self._lag.advance(batch.positions)
        self._log.batch(batch, self._lag.behind(batch.positions))
        if self._push:
            self._push.put(batch)

    def _lag_thread(self) -> LagThread:
        stream = self._stream
        client = {**stream.client, "bootstrap.servers": stream.broker}
        offsets = BrokerOffsets(stream.topic, stream.consumer_group, client)
        return LagThread(
            offsets,
            self._store,
            self._health,
            on_poll=self._tell_health,
            resume=resume_positions(stream.checkpoint, stream.starting_offsets, offsets.committed),
            commits=stream.commits,
        )

    def _tell_health(self) -> None:
        self._log.health(self._health.state, self._health.checks)

    def _count(self, errors: catalogue.Metric) -> None:
        self._store.add(errors, 1)


def _push_thread(outlets: Outlets, on_error: Callable[[], None]) -> PushThread | None:
    if outlets.gateway is None:
        return None
    outlets.gateway.check()
    return PushThread(outlets.gateway, on_error)
