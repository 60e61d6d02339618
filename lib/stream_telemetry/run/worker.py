"""A loop of the telemetry: its errors are counted, and health knows whether it does its work."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from stream_telemetry.health import Health
from stream_telemetry.loop import Loop
from stream_telemetry.metrics import catalogue
from stream_telemetry.metrics.store import MetricStore

PATIENCE_SECONDS = 60.0
"""A worker that gets nothing done for so long is not well."""

log = logging.getLogger(__name__)


class Worker(Loop):
    """A `Loop` that is seen in `/metrics` and `/health`.

    Health fails while the thread is dead, hangs, or has got nothing done for `PATIENCE_SECONDS`.
    """

    def __init__(
        self,
        name: str,
        step: Callable[[], float],
        store: MetricStore,
        health: Health,
        *,
        close: Callable[[], None] = lambda: None,
        close_seconds: float = 0.0,
    ) -> None:
        """Prepares the thread; see `Loop`.

        Args:
            name: one of `catalogue.WORKERS`.
            step: does a piece of work; gives the seconds until the next one is due.
            store: gets the number of errors.
            health: gets to know whether the worker is well.
            close: called once, after the last step.
            close_seconds: how long that may take.
        """
        super().__init__(
            f"telemetry-{name}",
            step,
            on_error=lambda: store.add(catalogue.WORKER_ERRORS, 1, name),
            close=close,
            close_seconds=close_seconds,
        )
        self._store = store
        self._health = health
        self._worker = name
        store.declare(catalogue.WORKER_ERRORS, [(name,)])

    def start(self) -> None:
        """Begins with the first step."""
        super().start()
        # Watched from now on: before its start a thread would count as dead.
        self._health.watch(lambda: self.is_well)
        self._store.compute(catalogue.WORKER_UP, lambda: float(self.is_well), self._worker)

    @property
    def is_well(self) -> bool:
        """Whether it does its work; one that was asked to end has none."""
        is_stuck = self.seconds_without_success > PATIENCE_SECONDS
        return self.is_ending or (self.is_alive and not is_stuck)


def close_each(closings: Iterable[Callable[[], object]]) -> None:
    """Calls one after another; an error is logged and keeps no other from its turn."""
    for close in closings:
        try:
            close()
        except Exception:
            log.exception("a part of the telemetry could not be closed")
