"""Writes what a batch tells into the metrics."""

from __future__ import annotations

import time
from collections.abc import Callable

from stream_telemetry.batch.observation import Observation
from stream_telemetry.batch.progress import Batch
from stream_telemetry.metrics import catalogue
from stream_telemetry.metrics.store import MetricStore


class Recorder:
    """Keeps the metrics that batches move; all of their series exist from the start, at 0."""

    def __init__(
        self,
        store: MetricStore,
        observation: Observation,
        topic: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._topic = topic
        self._clock = clock
        self._last_end: float | None = None
        self._declare(observation)

    def record(self, batch: Batch) -> None:
        """Adds a completed batch."""
        with self._store.together():
            self._record_outcomes(batch)
            self._record_latencies(batch)
            self._record_work(batch)

    def idle(self) -> None:
        """Notes that there is nothing to do."""
        self._store.set(catalogue.BUSY_RATIO, 0.0)

    def _record_outcomes(self, batch: Batch) -> None:
        store, observed = self._store, batch.observed
        store.add(catalogue.PROCESSED, observed.succeeded, "success", self._topic)
        store.add(catalogue.PROCESSED, batch.records_failed, "failed", self._topic)
        for error_type, records in observed.failed.items():
            store.add(catalogue.FAILED, records, error_type, self._topic)
        for name, violations in observed.violations.items():
            store.add(catalogue.VIOLATIONS, violations, name)
        store.add(catalogue.RECORDS_READ, batch.records_read)
        # Without abs, a batch with too few could hide one with too many.
        store.add(catalogue.UNACCOUNTED, abs(batch.records_read - observed.records))

    def _record_latencies(self, batch: Batch) -> None:
        for operation, histogram in batch.observed.latencies.items():
            self._store.merge(
                catalogue.PROCESSING_LATENCY, histogram.counts, histogram.total_seconds, operation
            )
        age, slowest = batch.observed.end_to_end, batch.observed.slowest
        self._store.merge(catalogue.END_TO_END, age.counts, age.total_seconds)
        if slowest:
            labels = slowest.labels(self._topic)
            self._store.exemplify(catalogue.END_TO_END, slowest.seconds, labels, batch.ended)

    def _record_work(self, batch: Batch) -> None:
        store = self._store
        store.add(catalogue.BATCHES, 1)
        store.observe(catalogue.BATCH_DURATION, batch.seconds)
        store.observe(catalogue.BATCH_RECORDS, batch.records_read)
        store.set(catalogue.LAST_BATCH_SECONDS, batch.seconds)
        store.set(catalogue.LAST_BATCH_RECORDS, batch.records_read)
        for phase, seconds in batch.phases.items():
            # A later Spark may name new phases; the label's values stay a closed set.
            known = phase if phase in catalogue.PHASES else "other"
            store.add(catalogue.PHASE_SECONDS, seconds, known)
        # The first batch has none before it, and counts as busy all the time.
        now = self._clock()
        since = batch.seconds if self._last_end is None else now - self._last_end
        store.set(catalogue.BUSY_RATIO, min(1.0, batch.seconds / since) if since > 0 else 0.0)
        self._last_end = now

    def _declare(self, observation: Observation) -> None:
        # A series that appears with its first value hides that step from rate() and increase().
        declare = self._store.declare
        declare(catalogue.PROCESSED, [(status, self._topic) for status in catalogue.STATUSES])
        declare(catalogue.FAILED, [(kind, self._topic) for kind in observation.failures])
        declare(catalogue.PROCESSING_LATENCY, [(name,) for name in observation.operations])
        declare(catalogue.VIOLATIONS, [(name,) for name in observation.fields])
        declare(catalogue.PHASE_SECONDS, [(phase,) for phase in catalogue.PHASES])
        for metric in (
            *(catalogue.END_TO_END, catalogue.RECORDS_READ, catalogue.UNACCOUNTED),
            *(catalogue.BATCHES, catalogue.BATCH_DURATION, catalogue.BATCH_RECORDS),
            *(catalogue.LAST_BATCH_SECONDS, catalogue.LAST_BATCH_RECORDS, catalogue.BUSY_RATIO),
        ):
            declare(metric)
