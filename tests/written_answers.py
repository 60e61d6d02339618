"""A lag thread on answers that a broker could give, written down."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import cast

from confluent_kafka import KafkaError, KafkaException

from stream_telemetry.batch.progress import Positions
from stream_telemetry.broker.lag import LagThread
from stream_telemetry.broker.offsets import BrokerOffsets
from stream_telemetry.broker.partitions import Bounds
from stream_telemetry.health import Health, Limits
from stream_telemetry.metrics.metric import Metric
from stream_telemetry.metrics.store import MetricStore

AWAY = KafkaException(KafkaError(KafkaError._ALL_BROKERS_DOWN))


class Answers:
    """What the broker says, and what it was told."""

    def __init__(self) -> None:
        self.begins: dict[int, int] = {0: 0}
        self.ends: dict[int, int] = {0: 10}
        self.made: dict[int, float] = {}
        self.is_away = False
        self.away = AWAY
        self.refuses_commits = False
        self.commits: list[dict[tuple[str, int], int]] = []
        self.asked_for_times: list[Positions] = []
        self.is_closed = False

    def bounds(self) -> Bounds:
        if self.is_away:
            raise self.away
        return Bounds(of(self.begins), of(self.ends))

    def timestamps(self, positions: Positions) -> Mapping[tuple[str, int], float]:
        self.asked_for_times.append(positions)
        return {key: self.made[key[1]] for key in positions if key[1] in self.made}

    def commit(self, positions: Positions) -> None:
        if self.refuses_commits:
            raise AWAY
        self.commits.append(dict(positions))

    def close(self) -> None:
        self.is_closed = True


def of(offsets: Mapping[int, int]) -> dict[tuple[str, int], int]:
    return {("raw", partition): offset for partition, offset in offsets.items()}


class Watched:
    """A thread at work on written answers."""

    def __init__(self) -> None:
        self.answers = Answers()
        self.store = MetricStore()
        self.health = Health(Limits(60.0, lag=30.0), has_model=False)
        self.start: Callable[[Bounds], Positions] = lambda bounds: bounds.beginnings
        self.polls = 0
        self.thread = LagThread(
            cast(BrokerOffsets, self.answers),
            self.store,
            self.health,
            resume=lambda bounds: self.start(bounds),
            commits=True,
            on_poll=self._count,
        )

    def _count(self) -> None:
        self.polls += 1

    def polled(self, times: int = 1) -> None:
        """Waits until the broker was asked so many times more."""
        wanted = self.polls + times + 1
        deadline = time.monotonic() + 20
        while self.polls < wanted:
            assert time.monotonic() < deadline, "the thread asks no more"
            time.sleep(0.005)

    def value(self, metric: Metric, partition: int = 0) -> float:
        return self.store.value(metric, "raw", str(partition))
