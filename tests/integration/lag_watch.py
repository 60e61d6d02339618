"""A lag thread at work on a real broker, and what it has found out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prometheus_client import CollectorRegistry

from sandbox.kafka.broker import KafkaBroker
from stream_telemetry.batch.progress import Positions
from stream_telemetry.broker.lag import LagThread
from stream_telemetry.broker.offsets import BrokerOffsets
from stream_telemetry.broker.start_positions import resume_positions
from stream_telemetry.health import Health, limits_for
from stream_telemetry.metrics import catalogue
from stream_telemetry.metrics.metric import Metric
from stream_telemetry.metrics.store import MetricStore


class Watch:
    """A lag thread at work, and what it has found out."""

    def __init__(
        self, broker: KafkaBroker, topic: str, checkpoint: Path, starting: str = "earliest"
    ) -> None:
        self.topic = topic
        self.registry = CollectorRegistry()
        store = MetricStore()
        self.registry.register(store)
        self.health = Health(limits_for(5, is_realtime=False), has_model=False)
        client = {"bootstrap.servers": broker.bootstrap_servers}
        offsets = BrokerOffsets(topic, f"group-of-{topic}", client)
        resume = resume_positions(str(checkpoint), starting, offsets.committed)
        self.thread = LagThread(offsets, store, self.health, resume=resume, commits=True)

    def sample(self, metric: Metric, partition: int | None = None) -> float | None:
        labels = {} if partition is None else {"topic": self.topic, "partition": str(partition)}
        return self.registry.get_sample_value(metric.name, labels)

    def has_lost(self, records: int) -> bool:
        return self.sample(catalogue.RECORDS_LOST, 0) == records

    def broker_check(self) -> str:
        return self.health.checks["broker_connection"]

    def advance(self, *offsets: int) -> None:
        positions: Positions = {(self.topic, p): offset for p, offset in enumerate(offsets)}
        self.thread.advance(positions)


@contextmanager
def watching(
    broker: KafkaBroker, topic: str, checkpoint: Path, starting: str = "earliest"
) -> Iterator[Watch]:
    watch = Watch(broker, topic, checkpoint, starting)
    watch.thread.start()
    yield watch
    watch.thread.finish(10)


def write_checkpoint(checkpoint: Path, topic: str, *offsets: int) -> None:
    for name, lines in (
        ("offsets", ["v1", "{}", json.dumps({topic: dict(enumerate(offsets))})]),
        ("commits", ["v1", "{}"]),
    ):
        (checkpoint / name).mkdir(parents=True)
        (checkpoint / name / "7").write_text("\n".join(lines))
