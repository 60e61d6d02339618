"""Everything together, for one query; docs/reuse.md shows how another job uses it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Self

from prometheus_client import CollectorRegistry
from pyspark.sql import SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from stream_telemetry.batch.history import BatchHistory
from stream_telemetry.batch.observation import Observation
from stream_telemetry.broker.lag import lag_of
from stream_telemetry.broker.producers import JvmProducers, SinkWatch
from stream_telemetry.drift.model_facts import ModelFacts
from stream_telemetry.health import Health, Limits, limits_for
from stream_telemetry.live.overview import Overview
from stream_telemetry.logs.query import QueryLog
from stream_telemetry.logs.records import RecordLog, RecordLogPlan
from stream_telemetry.metrics import catalogue
from stream_telemetry.metrics.books import Books, books_of
from stream_telemetry.metrics.store import MetricStore
from stream_telemetry.outlets.pages import make_app
from stream_telemetry.process.stop_signals import StopSignals
from stream_telemetry.run.chronicle import Chronicle, Noted
from stream_telemetry.run.lifecycle import (
    NewStart,
    ensure_spark_runs,
    run_until_stopped,
    started_in,
    told_when_gone,
)
from stream_telemetry.run.listener import DRAIN_SECONDS, Attached, EventThread
from stream_telemetry.run.oversight import Oversight
from stream_telemetry.run.settings import SupervisionSettings
from stream_telemetry.run.supervision import Restart, Restarts, supervise
from stream_telemetry.run.worker import close_each
from stream_telemetry.stream import Outlets, Stream

_STARTED = time.time()


class Telemetry:
    """Metrics, health, lag and pushes of one query; use it in a `with` statement.

    The port is taken at once, so that a job that gets none ends before it has done anything.
    """

    books = Books()  # of the run, once it is over
    _is_cut_off = False
    _model: ModelFacts | None = None

    def __init__(
        self,
        stream: Stream,
        observation: Observation,
        outlets: Outlets | None = None,
        supervision: SupervisionSettings | None = None,
        limits: Limits | None = None,
    ) -> None:
        """Prepares everything; nothing runs yet.

        Args:
            stream: the query.
            observation: what its plan reports about the records.
            outlets: where to show it; by default, an exporter on port 8000.
            supervision: how often a query that fails is started again.
            limits: when silence is alarming; by default, as the stream's trigger has it.

        Raises:
            TelemetryError: an outlet cannot be used; one line.
        """
        outlets = outlets or Outlets()
        self._restarts = Restarts((supervision or SupervisionSettings()).max_restarts)
        self.registry = CollectorRegistry()
        self._stream = stream
        self._store = MetricStore()
        limits = limits or limits_for(stream.batch_seconds, is_realtime=stream.is_realtime)
        self._health = Health(limits, has_model=bool(stream.model_backend))
        self._report = outlets.report
        self._senders = outlets.senders(stream, self._store, self._health)
        self._log = QueryLog(stream.logger, stream.query)
        self._history = BatchHistory()
        self._overview = Overview(stream, self._store, self._health, bool(outlets.record_log))
        self._records = self._record_log(outlets.record_log)
        self._lag = lag_of(stream, self._store, self._health, self._look)
        self._chronicle = Chronicle(
            observation=observation,
            store=self._store,
            health=self._health,
            log=self._log,
            history=self._history,
            lag=self._lag,
            senders=self._senders,
            topic=stream.topic,
            recent=self._overview.recent,
        )
        self._events = EventThread[Noted](self._chronicle.note, self._store, self._health)
        self._declare(outlets.lost_lines)
        self.registry.register(self._store)
        app = partial(make_app, self.registry, self._health, self._overview.summary)
        self._exporter = outlets.exporter.server(app)

    @property
    def url(self) -> str | None:
        """Address of the exporter; None without one."""
        return self._exporter.url if self._exporter else None

    @property
    def health(self) -> Health:
        """The query's state."""
        return self._health

    @property
    def model(self) -> ModelFacts:
        """What is told of the model; the stream has to have a `model_backend`."""
        assert self._model is not None
        return self._model

    def run(
        self,
        spark: SparkSession,
        start: Callable[[], StreamingQuery],
        oversight: Oversight | None = None,
    ) -> None:
        """Runs the query, anew when it fails, until it ends or SIGTERM or Ctrl-C asks it to stop.

        Args:
            spark: the session that the query runs in.
            start: starts the query, under the name that the stream has.
            oversight: what else may end the run; by default, nothing.

        Raises:
            StreamingQueryException: the query failed more often than it may.
            SparkGoneError: Spark's JVM has ended, or is about to.
        """
        oversight = (oversight or Oversight()).of(spark)
        signals = self._listen(spark, can_renew=oversight.renew is not None)
        self._overview.spark_page = spark.sparkContext.uiWebUrl
        with (
            told_when_gone(),
            self._lag.watched_by(oversight.watch),
            SinkWatch(JvmProducers(), self._store, self._health).watching(),
            Attached(spark, self._stream.query, self._events.put) as attached,
        ):

            def on_failure(restart: Restart) -> None:
                """Raises what no restart can mend, else notes the restart."""
                ensure_spark_runs(spark)
                oversight.triage(restart.cause)
                attached.wait_for_end()
                self._events.put(restart)

            def stay(query: StreamingQuery) -> bool:
                """Whether the query must be started again."""
                new_start = self._stay(query, signals, oversight)
                if new_start:
                    attached.wait_for_end()
                    self._events.put(new_start)
                return new_start is not None

            supervise(lambda: started_in(spark, start), stay, signals, self._restarts, on_failure)
            if not signals.is_asked:
                # A query that Spark's own end has stopped looks like one that has ended by itself.
                ensure_spark_runs(spark)
        # For a stream a stop on request is the normal end.
        self._is_cut_off = signals.is_asked and self._stream.mode == "batch"

    def __enter__(self) -> Self:
        """Starts the threads and the exporter."""
        self._events.start()
        self._lag.start()
        for sender in self._senders:
            sender.start()
        if self._exporter:
            self._exporter.start()
            logging.getLogger(self._stream.logger).info(
                "page at %s/, metrics at %s/metrics, health at %s/health", *[self.url] * 3
            )
        return self

    def __exit__(self, *exception: object) -> None:
        """Evaluates the last events, commits and pushes once more, and releases the port."""
        closings: list[Callable[[], object]] = [lambda: self._events.finish(DRAIN_SECONDS)]
        if records := self._records:
            closings.append(lambda: records.finish(DRAIN_SECONDS))
        closings.append(lambda: self._lag.finish(DRAIN_SECONDS))
        closings += [sender.finish for sender in self._senders]
        if self._exporter:
            closings.append(self._exporter.close)
        close_each(closings)
        self.books = books_of(self._store, self._stream.topic)
        if self._report:
            self._report.is_complete = self._chronicle.has_ended_well and not self._is_cut_off

    def _listen(self, spark: SparkSession, *, can_renew: bool) -> StopSignals:
        signals = StopSignals().listen(spark, can_renew=can_renew)
        if self._records:
            self._records.start()
        return signals

    def _stay(
        self, query: StreamingQuery, signals: StopSignals, oversight: Oversight
    ) -> NewStart | None:
        return run_until_stopped(
            query,
            signals,
            is_batched=not self._stream.is_realtime,
            on_stop=self._health.stopping,
            on_silence=oversight.on_silence,
            on_step=self._clock_was_set,
            renew=oversight.renew or (lambda is_asked: False),
            alarm=oversight.alarm,
        )

    def _look(self) -> None:
        self._overview.look()
        self._log.health(self._health.state, self._health.checks)

    def _clock_was_set(self, seconds: float) -> bool:
        """Whether the query must be started again: it waits for a moment that is far off now."""
        is_misled = seconds < 0 and self._stream.batch_seconds > 0
        self._log.clock_set(seconds, is_misled=is_misled)
        return is_misled

    def _declare(self, lost_lines: Callable[[], int]) -> None:
        """Makes the series exist that no part declares itself, or only one that may be absent."""
        stream, store = self._stream, self._store
        info = (stream.version, stream.mode, stream.broker, stream.consumer_group)
        store.declare(catalogue.INFO, [(*info, stream.model_backend)])
        store.set(catalogue.PROCESS_START, _STARTED)
        store.declare(catalogue.PUSH_ERRORS)
        store.declare(catalogue.OTLP_ERRORS, [(signal,) for signal in catalogue.SIGNALS])
        store.declare(catalogue.OTLP_DROPPED)
        store.declare(catalogue.LOG_SUPPRESSED, [(status,) for status in catalogue.STATUSES])
        if stream.model_backend:
            self._model = ModelFacts(store, self._health, self._events.put)
        store.compute(catalogue.LOG_ERRORS, lambda: float(lost_lines()))

    def _record_log(self, plan: RecordLogPlan | None) -> RecordLog | None:
        if plan is None:
            return None
        context, on_failure = (lambda: self._log.context), self._overview.recent.refuse
        return RecordLog(plan, self._store, self._health, self._history, context, on_failure)
