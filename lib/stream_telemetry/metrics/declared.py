"""Makes the series exist that no batch moves, from the first scrape."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from stream_telemetry.health import Health
from stream_telemetry.metrics import catalogue
from stream_telemetry.metrics.store import MetricStore
from stream_telemetry.stream import Stream

_STARTED = time.time()


def declare_all(
    store: MetricStore, stream: Stream, health: Health, lost_lines: Callable[[], int]
) -> None:
    """Declares them; those of health and of the log are asked for by each scrape."""
    info = (stream.version, stream.mode, stream.broker, stream.consumer_group)
    store.declare(catalogue.INFO, [(*info, stream.model_backend)])
    for metric in (
        *(catalogue.BROKER_CONNECTED, catalogue.LISTENER_ERRORS, catalogue.POLL_ERRORS),
        *(catalogue.COMMIT_ERRORS, catalogue.PUSH_ERRORS, catalogue.RESTARTS),
    ):
        store.declare(metric)
    store.set(catalogue.PROCESS_START, _STARTED)
    store.declare(catalogue.LOG_SUPPRESSED, [(status,) for status in catalogue.STATUSES])
    if stream.model_backend:
        store.declare(catalogue.MODEL_LOADED)
    store.compute(catalogue.PROGRESS_AGE, lambda: health.silence)
    store.compute(catalogue.LOG_ERRORS, lambda: float(lost_lines()))
    for state in catalogue.STATES:
        store.compute(catalogue.STATE, partial(_is_in, health, state), state)


def _is_in(health: Health, state: str) -> float:
    return float(health.state == state)
