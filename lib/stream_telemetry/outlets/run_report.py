"""What a run tells a Pushgateway of itself: that it began, how it gets on, and how it ended.

What is pushed has names of its own: the counters that are scraped, pushed as well, would be counted
twice by every `sum(rate(…))`. A run that leaves its figures pushes the guide's counters too, with a
label that no scraped one has.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from http.client import HTTPException
from typing import TYPE_CHECKING, Self

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from stream_telemetry.logs.rate_limit import News
from stream_telemetry.metrics import catalogue, pushed
from stream_telemetry.metrics.metric import Metric
from stream_telemetry.metrics.store import MetricStore
from stream_telemetry.outlets.gateway import Gateway

if TYPE_CHECKING:
    from stream_telemetry.batch.progress import Batch

log = logging.getLogger(__name__)

_REPEAT_SECONDS = 600.0
RUNNING = -1.0
"""The exit code of a run that lasts."""


class RunReport:
    """The figures of one run; its `with` block is the run.

    The gateway is told at the beginning of the block, so that a run that dies before it has done
    anything is known, and at its end, with the exit code that the error stands for. A gateway that
    does not answer delays both by seconds, and is counted.

    Attributes:
        errors: pushes that were not taken.
        on_error: called at each further one.
        is_complete: whether the query came to its end; a run is a success if it did.
    """

    def __init__(self, gateway: Gateway, *, keep: bool, expected_interval: float = 0.0) -> None:
        """Prepares the figures; nothing is pushed yet.

        Args:
            gateway: where to push.
            keep: false for a stream: one that ends well leaves nothing behind, as nobody would
                refresh its figures.
            expected_interval: seconds within which a scheduled run is to succeed again; 0 for none.
        """
        self.errors = 0
        self.on_error: Callable[[], None] = lambda: None
        self.is_complete = False
        self._gateway = gateway
        self._guides_gateway = replace(gateway, labels={**gateway.labels, **catalogue.GUIDES_LABEL})
        self._store: MetricStore | None = None
        self._keep = keep
        self._news = News(_REPEAT_SECONDS)
        self._lock = threading.Lock()
        # All of them, so that no value of the run before is left in the group.
        self._values: dict[Metric, float] = dict.fromkeys(pushed.PUSHED, 0.0)
        # Except this one: a run that fails leaves it as it is.
        del self._values[pushed.LAST_SUCCESS]
        self._values[pushed.RUN_STARTED] = time.time()
        self._began = time.monotonic()
        self._values[pushed.RUN_EXIT_CODE] = RUNNING
        self._values[pushed.EXPECTED_INTERVAL] = expected_interval

    def __enter__(self) -> Self:
        """Tells that the run has begun."""
        self.push()
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Tells how it ended."""
        code = exit_code(error)
        is_well = code == 0 and self.is_complete
        now = time.time()
        with self._lock:
            self._values[pushed.RUN_END] = now
            self._values[pushed.RUN_EXIT_CODE] = float(code)
            self._values[pushed.RUN_OK] = float(is_well)
            if is_well:
                self._values[pushed.LAST_SUCCESS] = now
        if is_well and not self._keep:
            self._attempt(self._gateway, self._gateway.delete)
        else:
            self.push()

    def read(self, store: MetricStore) -> None:
        """Lets each further push tell what the metrics stand at then."""
        self._store = store

    def begin_counters(self) -> None:
        """Pushes the counters as they begin, so that the first records are a rise of them."""
        if self._store and self._guides(self._store):
            self.push()

    def put(self, batch: Batch) -> None:
        """Takes a batch's figures in; pushes nothing."""
        with self._lock:
            self._values |= _figures(batch)
            for total, figure in _TOTALS.items():
                self._values[total] += self._values[figure]
            self._values[pushed.RUN_BATCHES] += 1

    def push(self) -> None:
        """Pushes the figures as they are; an error is counted."""
        with self._lock:
            values = {**self._values, pushed.RUN_TOOK: time.monotonic() - self._began}
        if store := self._store:
            values[pushed.RUN_LOST] = store.total(catalogue.RECORDS_LOST)
            if guides := self._guides(store):
                self._push(self._guides_gateway, guides)
        gauges = [GaugeMetricFamily(one.name, one.help, value) for one, value in values.items()]
        self._push(self._gateway, gauges)

    def _push(self, gateway: Gateway, families: Sequence[Family]) -> None:
        registry = CollectorRegistry()
        registry.register(_Families(families))
        self._attempt(gateway, lambda: gateway.push(registry))

    def _guides(self, store: MetricStore) -> list[Family]:
        families = store.families() if self._keep else {}
        return [families[metric] for metric in catalogue.GUIDES if metric in families]

    def _attempt(self, gateway: Gateway, action: Callable[[], None]) -> None:
        try:
            action()
        except (OSError, HTTPException) as error:
            self.errors += 1
            self.on_error()
            # A line for each push to an absent gateway would flood the log; a metric counts them.
            log.log(
                logging.WARNING if self._news.is_news(type(error).__name__) else logging.DEBUG,
                "the Pushgateway at %s did not take the run's figures: %s; see whether it answers",
                *(gateway.address, error),
            )


def exit_code(error: BaseException | None) -> int:
    """The exit code of a process that this error ends."""
    if error is None:
        return 0
    if isinstance(error, KeyboardInterrupt):
        # 128 + SIGINT, as shells report it.
        return int(getattr(error, "exit_code", 130))
    if isinstance(error, SystemExit):
        # As Python does it: a text means 1, nothing means 0.
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    return int(getattr(error, "exit_code", 1))


class _Families(Collector):
    def __init__(self, families: Sequence[Family]) -> None:
        self._families = families

    def collect(self) -> Sequence[Family]:
        """The families, as they were given."""
        return self._families


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
