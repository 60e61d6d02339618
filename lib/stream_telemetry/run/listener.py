"""Spark's listener: hands the query's events over and returns, whatever happens."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from typing import Generic, TypeVar
from uuid import UUID

from pyspark.sql.streaming.listener import (
    QueryIdleEvent,
    QueryProgressEvent,
    QueryStartedEvent,
    QueryTerminatedEvent,
    StreamingQueryListener,
)

log = logging.getLogger(__name__)

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

    def __init__(self, evaluate: Callable[[Told], None], on_error: Callable[[], None]) -> None:
        """Prepares the thread.

        Args:
            evaluate: called with each event.
            on_error: called when that has raised; the exception is logged.
        """
        self._evaluate = evaluate
        self._on_error = on_error
        self._events: queue.SimpleQueue[Told | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="telemetry-events", daemon=True)

    def start(self) -> None:
        """Begins to evaluate."""
        self._thread.start()

    def put(self, event: Told) -> None:
        """Takes an event; never waits."""
        self._events.put(event)

    def finish(self, timeout: float) -> None:
        """Evaluates what has been put so far, then ends."""
        self._events.put(None)
        self._thread.join(timeout)

    def _run(self) -> None:
        while (event := self._events.get()) is not None:
            try:
                self._evaluate(event)
            except Exception:
                self._on_error()
                log.exception("an event of the query could not be evaluated")
