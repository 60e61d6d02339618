"""Pushes the run's figures after each batch, without the query ever waiting for it."""

from __future__ import annotations

import math
import time

from stream_telemetry.batch.progress import Batch
from stream_telemetry.health import Health
from stream_telemetry.metrics import catalogue
from stream_telemetry.metrics.store import MetricStore
from stream_telemetry.outlets.gateway import TIMEOUT_SECONDS
from stream_telemetry.outlets.run_report import RunReport
from stream_telemetry.outlets.sender import Sender
from stream_telemetry.run.worker import Worker

PULSE_SECONDS = 60.0
"""A run that has nothing new pushes all the same, so that silence means that it is dead."""


class PushThread(Sender):
    """Pushes the newest figures; those that come while a push is under way replace each other."""

    def __init__(self, report: RunReport, store: MetricStore, health: Health) -> None:
        """Prepares the thread.

        Args:
            report: of the run, which has begun; whoever began it tells its end.
            store: gets the number of pushes that failed.
            health: gets to know whether the thread is well.
        """
        self._report = report
        store.add(catalogue.PUSH_ERRORS, report.errors)
        report.on_error = lambda: store.add(catalogue.PUSH_ERRORS, 1)
        report.read(store)
        self._is_new = False
        self._has_begun = False
        self._pushed = time.monotonic()
        # One push may be under way at the end.
        self._worker = Worker("push", self._step, store, health, close_seconds=TIMEOUT_SECONDS)

    def start(self) -> None:
        """Begins to push what `put` gives."""
        self._worker.start()

    def put(self, batch: Batch) -> None:
        """Takes a batch's figures; never waits."""
        self._report.put(batch)
        self._is_new = True
        self._worker.wake()

    def failed(self, reason: str) -> None:
        """Nothing: the end of the run is told with its exit code."""

    def finish(self) -> None:
        """Pushes no more."""
        self._worker.end(TIMEOUT_SECONDS)

    def _step(self) -> float:
        if self._worker.is_ending:
            # The run's own end pushes the last figures, together with the exit code.
            return math.inf
        if not self._has_begun:
            self._has_begun = True
            self._report.begin_counters()
        due = self._pushed + PULSE_SECONDS - time.monotonic()
        if not self._is_new and due > 0:
            return due
        # Before the push: a batch that comes during it is new again.
        self._is_new, self._pushed = False, time.monotonic()
        self._report.push()
        return PULSE_SECONDS
