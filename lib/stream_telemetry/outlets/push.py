"""Pushes each batch's figures to a Prometheus Pushgateway, without the query ever waiting for it.

What is pushed has names of its own: the counters that are scraped, pushed as well, would be counted
twice by every `sum(rate(…))`.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from http.client import HTTPException

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from stream_telemetry.batch.progress import Batch
from stream_telemetry.health import Health
from stream_telemetry.metrics import catalogue, pushed
from stream_telemetry.metrics.metric import Metric
from stream_telemetry.metrics.store import MetricStore
from stream_telemetry.outlets.gateway import TIMEOUT_SECONDS, Gateway
from stream_telemetry.run.worker import Worker

log = logging.getLogger(__name__)


class PushThread:
    """Pushes the newest figures; those that come while a push is under way replace each other."""

    def __init__(self, gateway: Gateway, store: MetricStore, health: Health) -> None:
        """Prepares the thread.

        Args:
            gateway: where to push.
            store: gets the number of pushes that failed.
            health: gets to know whether the thread is well.
        """
        self._gateway = gateway
        self._store = store
        self._lock = threading.Lock()
        self._values: dict[Metric, float] = dict.fromkeys(_RUN, 0.0)
        self._values[pushed.RUN_STARTED] = time.time()
        self._is_new = False
        self._last: Callable[[], None] = self._push
        self._worker = Worker(
            "push",
            self._step,
            store,
            health,
            close=lambda: self._attempt(self._last),
            close_seconds=2 * TIMEOUT_SECONDS,
        )

    def start(self) -> None:
        """Begins to push what `put` gives."""
        self._worker.start()

    def put(self, batch: Batch) -> None:
        """Takes a batch's figures; never waits."""
        with self._lock:
            for metric, value in _figures(batch).items():
                self._values[metric] = value
            for total, figure in _TOTALS.items():
                self._values[total] += self._values[figure]
            self._values[pushed.RUN_BATCHES] += 1
            self._is_new = True
        self._worker.wake()

    def finish(self, *, succeeded: bool, keep: bool) -> None:
        """Pushes the end of the run, or deletes the group.

        Args:
            succeeded: whether the run ended as it should.
            keep: false for a stream that was stopped: nobody will refresh its figures.
        """
        with self._lock:
            self._values[pushed.RUN_END] = time.time()
            self._values[pushed.RUN_OK] = float(succeeded)
        self._last = self._push if keep or not succeeded else self._gateway.delete
        # One push may be under way.
        self._worker.end(TIMEOUT_SECONDS)

    def _step(self) -> float:
        if self._is_new and not self._worker.is_ending:
            self._attempt(self._push)
        return math.inf

    def _push(self) -> None:
        with self._lock:
            values, self._is_new = dict(self._values), False
        registry = CollectorRegistry()
        registry.register(_Values(values))
        self._gateway.push(registry)

    def _attempt(self, action: Callable[[], None]) -> None:
        try:
            action()
        except (OSError, HTTPException) as error:
            self._store.add(catalogue.PUSH_ERRORS, 1)
            log.debug("the Pushgateway did not take the batch's figures: %s", error)


class _Values(Collector):
    def __init__(self, values: Mapping[Metric, float]) -> None:
        self._values = values

    def collect(self) -> Iterator[GaugeMetricFamily]:
        for metric, value in self._values.items():
            yield GaugeMetricFamily(metric.name, metric.help, value)


_RUN = (
    *(pushed.RUN_BATCHES, pushed.RUN_READ, pushed.RUN_SUCCEEDED, pushed.RUN_FAILED),
    *(pushed.RUN_STARTED, pushed.RUN_END, pushed.RUN_OK),
)
_TOTALS = {
    pushed.RUN_READ: pushed.BATCH_READ,
    pushed.RUN_SUCCEEDED: pushed.BATCH_SUCCEEDED,
    pushed.RUN_FAILED: pushed.BATCH_FAILED,
}


def _figures(batch: Batch) -> dict[Metric, float]:
    return {
        pushed.BATCH_ID: batch.number,
        pushed.BATCH_READ: batch.records_read,
        pushed.BATCH_SUCCEEDED: batch.observed.succeeded,
        pushed.BATCH_FAILED: batch.records_failed,
        pushed.BATCH_TOOK: batch.seconds,
        pushed.BATCH_END: batch.ended,
    }
