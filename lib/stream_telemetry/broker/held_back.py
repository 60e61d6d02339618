"""Records that are there and may not be read yet, because a transaction before them is open.

A reader of committed records stops at the oldest open transaction of a partition, and sees nothing
that others write behind it. When its producer is gone, Kafka ends it after its timeout; one that
the broker has forgotten (a hanging transaction, KIP-664) blocks the partition for ever.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from stream_telemetry.broker.partitions import Bounds
from stream_telemetry.logs.rate_limit import News
from stream_telemetry.metrics import catalogue
from stream_telemetry.metrics.store import MetricStore

LONG_SECONDS = 90.0
"""Kafka ends a transaction after a minute, unless its producer asks for more."""
_REPEAT_SECONDS = 600.0

log = logging.getLogger(__name__)


class HeldBack:
    """Shows how many there are, and says so of a transaction that stays open."""

    def __init__(self, store: MetricStore, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._news = News(_REPEAT_SECONDS, clock)
        self._since: dict[tuple[str, int], tuple[int, float]] = {}

    def note(self, bounds: Bounds) -> None:
        """Takes what the broker has just told of the offsets; never waits."""
        now, before = self._clock(), self._since
        self._since = {}
        for (topic, partition), written in bounds.written.items():
            end = bounds.ends.get((topic, partition), written)
            held = max(0, written - end)
            self._store.set(catalogue.HELD_BACK, held, topic, str(partition))
            if not held:
                continue
            first, since = before.get((topic, partition), (end, now))
            since = since if first == end else now
            self._since[topic, partition] = end, since
            if now - since > LONG_SECONDS and self._news.is_news(f"{topic}-{partition}-{end}"):
                log.warning(
                    "a transaction in %s-%d has been open at offset %d for %d s: %d offsets from "
                    "there on cannot be read until it ends; if its producer is gone, see "
                    "kafka-transactions.sh find-hanging",
                    *(topic, partition, end, now - since, held),
                )
