"""The latest counts by each window, and the figures that are told of them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Generic

from stream_telemetry.drift.settings import MINUTES_OF_A_DAY, DriftSettings
from stream_telemetry.drift.windows import Counted, Window
from stream_telemetry.metrics import of_model
from stream_telemetry.metrics.metric import Metric
from stream_telemetry.metrics.store import MetricStore

Figure = tuple[Metric, float | None, *tuple[str, ...]]
"""A gauge, its value or None for no series at all, and its labels before `window`."""

_MINUTE = 60.0


class Latest(Generic[Counted]):
    """Counts of the latest records and of the latest minutes; batches and scrapes share them."""

    def __init__(self, none: Counted, settings: DriftSettings, clock: Callable[[], float]) -> None:
        """Knows of no record yet.

        Args:
            none: the counts of no record.
            settings: how many records, and how many minutes.
            clock: monotonic seconds.
        """
        latest, of_time = of_model.WINDOWS
        self._clock = clock
        self._lock = threading.Lock()
        self._windows = {
            # A figure of yesterday's records is none of the present.
            latest: Window(none, settings.drift_records, MINUTES_OF_A_DAY * _MINUTE),
            of_time: Window(none, float("inf"), settings.drift_minutes * _MINUTE),
        }

    def add(self, counts: Counted) -> None:
        """Takes in a batch."""
        with self._lock:
            now = self._clock()
            for window in self._windows.values():
                window.add(counts, now)

    def counts(self, window: str) -> Counted:
        """The counts of the records that a window, one of `of_model.WINDOWS`, holds now."""
        with self._lock:
            return self._windows[window].at(self._clock())

    def show(self, store: MetricStore, figures: Callable[[Counted], Iterator[Figure]]) -> None:
        """Sets the figures as they are at this moment; those that cannot be told vanish."""
        with store.together():
            for window in of_model.WINDOWS:
                for metric, value, *labels in figures(self.counts(window)):
                    if value is None:
                        store.clear(metric, *labels, window)
                    else:
                        store.set(metric, value, *labels, window)
