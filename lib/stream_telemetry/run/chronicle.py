"""What each event of the query means for metrics, health, log, lag and pushes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from pyspark.sql.streaming.listener import (
    QueryIdleEvent,
    QueryProgressEvent,
    QueryTerminatedEvent,
)

from stream_telemetry.batch.history import BatchHistory
from stream_telemetry.batch.observation import Observation
from stream_telemetry.batch.progress import Batch, read_batch, read_rows
from stream_telemetry.broker.lag import LagThread
from stream_telemetry.drift.watch import ModelWatch
from stream_telemetry.health import Health
from stream_telemetry.live.recent import Recent
from stream_telemetry.logs.query import QueryLog
from stream_telemetry.metrics import catalogue
from stream_telemetry.metrics.recorder import Recorder
from stream_telemetry.metrics.store import MetricStore
from stream_telemetry.outlets.sender import Sender
from stream_telemetry.run.lifecycle import NewStart
from stream_telemetry.run.listener import Event
from stream_telemetry.run.supervision import Restart
from stream_telemetry.shadow.shadow_watch import ShadowWatch
from stream_telemetry.wall_clock import STEP_SECONDS

Noted = Event | Restart | NewStart | ModelWatch | ShadowWatch
"""What happens to a query, by Spark's word or ours."""


@dataclass
class Chronicle:
    """Passes on what the query does, event by event, to metrics, health, log, lag and pushes.

    Attributes:
        observation: reads the figures that the plan has sent along.
        store: of the metrics.
        health: of the query.
        log: gets a line for starts, batches and ends.
        history: remembers how far each batch had come.
        lag: is told how far the query is.
        senders: get each batch, and the end of a run that failed.
        topic: that the query reads.
        recent: remembers the batches for who looks.
        has_ended_well: whether the latest run ended without an exception.
    """

    observation: Observation
    store: MetricStore
    health: Health
    log: QueryLog
    history: BatchHistory
    lag: LagThread
    topic: str
    senders: Sequence[Sender] = ()
    recent: Recent = field(default_factory=Recent)
    has_ended_well: bool = False
    _watch: ModelWatch | None = field(init=False, default=None)
    _shadow: ShadowWatch | None = field(init=False, default=None)
    _recorder: Recorder = field(init=False)

    def __post_init__(self) -> None:
        """Makes the series exist that events move, from the first scrape."""
        self._recorder = Recorder(self.store, self.observation, self.topic)
        self.store.declare(catalogue.RESTARTS)
        self.store.before_scrapes(self._show)
        self.store.compute(catalogue.PROGRESS_AGE, lambda: self.health.silence)
        for state in catalogue.STATES:
            self.store.compute(catalogue.STATE, partial(self._is_in, state), state)
        if own := self.observation.own:
            own.declare(self.store)
            self.store.before_scrapes(partial(own.show, self.store))

    def watch(self, watch: ModelWatch | ShadowWatch) -> None:
        """From now on batches tell of this model, or of this shadow."""
        before: ModelWatch | ShadowWatch | None
        if isinstance(watch, ShadowWatch):
            before, self._shadow = self._shadow, watch
            self.observation = replace(self.observation, shadow=watch.counting)
        else:
            before, self._watch = self._watch, watch
            self.observation = replace(self.observation, model=watch.counting)
        if before:
            before.withdraw(self.store)
        watch.declare(self.store)

    def note(self, event: Noted) -> None:
        """Takes one event in; raises ValueError for a progress that is not shaped as Spark's."""
        if isinstance(event, QueryProgressEvent):
            # The batch began after the event before it; events may come late by a little.
            longest = self.health.silence + STEP_SECONDS
            self.health.heard("running" if event.progress.numInputRows else "idle")
            self._take(read_batch(event.progress, self.observation).within(longest))
            if own := self.observation.own:
                own.take(read_rows(event.progress), self.store)
        elif isinstance(event, ModelWatch | ShadowWatch):
            self.watch(event)
        elif isinstance(event, QueryIdleEvent):
            self.health.heard("idle")
            self._recorder.idle()
        elif isinstance(event, QueryTerminatedEvent):
            self.has_ended_well = event.exception is None
            self.health.heard("stopping" if self.has_ended_well else "failed")
            self.log.ended(event.exception)
            if event.exception is not None:
                self._tell_failure(event.exception)
        elif isinstance(event, Restart):
            self.store.add(catalogue.RESTARTS, 1)
            self.health.heard("restarting")
            self.log.restarting(event)
        elif isinstance(event, NewStart):
            # One that somebody wants is no sign of trouble.
            if not event.is_planned:
                self.store.add(catalogue.RESTARTS, 1)
                self.health.heard("restarting")
        else:
            self.health.heard("running")
            self.log.started(str(event.runId))
        self.log.health(self.health.state, self.health.checks)

    def _show(self) -> None:
        for watch in (self._watch, self._shadow):
            if watch:
                watch.show(self.store)

    def _is_in(self, state: str) -> float:
        return float(self.health.state == state)

    def _take(self, batch: Batch) -> None:
        self._recorder.record(batch)
        if self._watch and batch.observed.model:
            self._watch.take(batch.observed.model, self.store)
        if self._shadow and batch.observed.shadow:
            self._shadow.take(batch.observed.shadow, self.store)
        self.recent.add(batch)
        self.history.add(batch.number, batch.positions)
        self.lag.advance(batch.positions)
        self.log.batch(batch, self.lag.behind(batch.positions))
        for sender in self.senders:
            sender.put(batch)

    def _tell_failure(self, exception: str) -> None:
        first = next(iter(exception.splitlines()), "")
        for sender in self.senders:
            sender.failed(first)
