"""Spark's listener: hands the query's events over and returns, whatever happens."""

from __future__ import annotations

import contextlib
import math
import queue
import threading
from collections.abc import Callable
from typing import Generic, Self, TypeVar
from uuid import UUID

from pyspark.sql import SparkSession
from pyspark.sql.streaming.listener import (
    QueryIdleEvent,
    QueryProgressEvent,
    QueryStartedEvent,
    QueryTerminatedEvent,
    StreamingQueryListener,
)

from stream_telemetry.health import Health
from stream_telemetry.metrics import catalogue
from stream_telemetry.metrics.store import MetricStore
from stream_telemetry.process.driver_jvm import JVM_ERRORS
from stream_telemetry.run.worker import Worker

DRAIN_SECONDS = 5.0
"""How long the end of a run waits for events that Spark still holds, and for the threads."""

Told = TypeVar("Told")
Event = QueryStartedEvent | QueryProgressEvent | QueryIdleEvent | QueryTerminatedEvent


class QueryListener(StreamingQueryListener):
    """Passes on the events of one query, by its name.

    Spark calls back synchronously with `start()`, or from one thread for all queries; an exception
    is lost there, a slow answer delays every later event, SystemExit hangs Spark's end.
    """

    def __init__(self, query: str, hand_over: Callable[[Event], None]) -> None:
        self._query = query
        self._hand_over = hand_over
        # Idle and terminated events have no name; a restarted query has a new run.
        self._runs: set[UUID] = set()

    def onQueryStarted(self, event: QueryStartedEvent) -> None:
        """Notes the run if it is the query's."""
        if event.name == self._query:
            self._runs.add(event.runId)
            self._hand_over(event)

    def onQueryProgress(self, event: QueryProgressEvent) -> None:
        """Passes on a completed batch."""
        if event.progress.name == self._query:
            self._hand_over(event)

    def onQueryIdle(self, event: QueryIdleEvent) -> None:
        """Passes on that there is nothing to do."""
        if event.runId in self._runs:
            self._hand_over(event)

    def onQueryTerminated(self, event: QueryTerminatedEvent) -> None:
        """Passes on the end of a run."""
        if event.runId in self._runs:
            self._hand_over(event)


class EventThread(Generic[Told]):
    """Evaluates events one after another, away from Spark's threads."""

    def __init__(
        self, evaluate: Callable[[Told], None], store: MetricStore, health: Health
    ) -> None:
        """Prepares the thread.

        Args:
            evaluate: called with each event.
            store: gets the number of events that could not be evaluated.
            health: gets to know whether the thread is well.
        """
        self._evaluate = evaluate
        self._store = store
        self._events: queue.SimpleQueue[Told] = queue.SimpleQueue()
        store.declare(catalogue.LISTENER_ERRORS)
        self._worker = Worker("events", self._step, store, health)

    def start(self) -> None:
        """Begins to evaluate."""
        self._worker.start()

    def put(self, event: Told) -> None:
        """Takes an event; never waits."""
        self._events.put(event)
        self._worker.wake()

    def finish(self, timeout: float) -> None:
        """Evaluates what has been put so far, then ends."""
        self._worker.end(timeout)

    def _step(self) -> float:
        try:
            event = self._events.get_nowait()
        except queue.Empty:
            return math.inf
        try:
            self._evaluate(event)
        except Exception:
            self._store.add(catalogue.LISTENER_ERRORS, 1)
            raise
        return 0.0


class Attached:
    """The listener of one query, as long as the `with` block lasts.

    The end of the block waits for what Spark still has to tell of the query's end.
    """

    def __init__(self, spark: SparkSession, query: str, hand_over: Callable[[Event], None]) -> None:
        """Prepares the listener.

        Args:
            spark: whose queries are listened to.
            query: name of the one that matters.
            hand_over: called with each of its events, on Spark's own threads; must not wait.
        """
        self._spark = spark
        self._hand_over = hand_over
        self._listener = QueryListener(query, self._receive)
        self._has_ended = threading.Event()
        # Before the first run there is no end to wait for.
        self._has_ended.set()

    def wait_for_end(self) -> None:
        """Waits until Spark has told all of a run that has ended, for `DRAIN_SECONDS` at most."""
        self._has_ended.wait(DRAIN_SECONDS)

    def __enter__(self) -> Self:
        """Listens; to be done before the query starts."""
        self._spark.streams.addListener(self._listener)
        return self

    def __exit__(self, *exception: object) -> None:
        """Listens no more."""
        # A JVM that is gone tells nothing more; this is how it shows.
        with contextlib.suppress(*JVM_ERRORS):
            self._spark.streams.active  # noqa: B018
            self.wait_for_end()
            self._spark.streams.removeListener(self._listener)

    def _receive(self, event: Event) -> None:
        # Spark's own thread: `start()` returns after the first of these two.
        if isinstance(event, QueryStartedEvent):
            self._has_ended.clear()
        elif isinstance(event, QueryTerminatedEvent):
            self._has_ended.set()
        self._hand_over(event)
