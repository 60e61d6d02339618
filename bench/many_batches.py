"""What one driver's telemetry does with many partitions over many batches, without Spark or Kafka.

    python bench/many_batches.py [PARTITIONS] [BATCHES]

The batches are made-up events of Spark's, in the JSON that it writes; they pass the telemetry's own
code, up to metrics, history and lag. What the broker is asked is in `bench/many_partitions.py`.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from uuid import UUID

from prometheus_client import CollectorRegistry
from pyspark.sql.streaming.listener import QueryProgressEvent
from table import load, print_table

from stream_telemetry.batch.history import BatchHistory
from stream_telemetry.batch.observation import Observation
from stream_telemetry.broker.lag import LagThread
from stream_telemetry.broker.offsets import BrokerOffsets
from stream_telemetry.health import Health, limits_for
from stream_telemetry.logs.query import QueryLog
from stream_telemetry.metrics import catalogue
from stream_telemetry.metrics.store import MetricStore
from stream_telemetry.outlets.exposition import expose
from stream_telemetry.run.chronicle import Chronicle

TOPIC = "raw"
ROWS_OF_TABLE = 5
PER_PARTITION = (catalogue.LAG, catalogue.LAG_SECONDS, catalogue.HELD_BACK)
"""Gauges that the lag thread sets."""


def main(partitions: int, batches: int) -> None:
    """Prints a row for each part of the batches."""
    store = MetricStore()
    registry = CollectorRegistry()
    registry.register(store)
    chronicle = _chronicle(store)
    for metric in PER_PARTITION:
        for partition in range(partitions):
            store.set(metric, 1.0, TOPIC, str(partition))
    rows = []
    for part in range(ROWS_OF_TABLE):
        each = batches // ROWS_OF_TABLE
        taken = [_note(chronicle, part * each + batch, partitions) for batch in range(each)]
        scrape, size = _scrape(registry)
        rows.append(_row((part + 1) * each, taken, scrape, size))
    print(f"{partitions:,} partitions, load {load()} (1, 5, 15 minutes)\n")
    print_table(
        ("after batches", "a batch, ms", "longest", "a scrape, ms", "its kB", "resident, MB"), rows
    )


def _chronicle(store: MetricStore) -> Chronicle:
    health = Health(limits_for(5, is_realtime=False), has_model=True)
    # Nobody is asked: the lag's thread is not started.
    offsets = BrokerOffsets(TOPIC, "bench", {"bootstrap.servers": "127.0.0.1:1"})
    return Chronicle(
        observation=Observation(operations={}, finished="finished"),
        store=store,
        health=health,
        log=QueryLog("bench", "churn"),
        history=BatchHistory(),
        lag=LagThread(offsets, store, health, resume=lambda bounds: {}, commits=False),
        topic=TOPIC,
    )


def _note(chronicle: Chronicle, batch: int, partitions: int) -> float:
    """Milliseconds of processor time that one event takes."""
    text = _event(batch, partitions)
    begin = time.process_time()
    chronicle.note(QueryProgressEvent.fromJson(json.loads(text)))
    return (time.process_time() - begin) * 1000


def _event(batch: int, partitions: int) -> str:
    """A batch of a thousand records for each partition, with ever larger offsets."""
    before, after = (
        json.dumps({TOPIC: {str(p): 10**9 + 1000 * number for p in range(partitions)}})
        for number in (batch, batch + 1)
    )
    source = {
        "description": "KafkaV2[Subscribe[raw]]",
        **{"startOffset": before, "endOffset": after, "latestOffset": after, "metrics": {}},
        **{"numInputRows": 1000, "inputRowsPerSecond": 1.0, "processedRowsPerSecond": 1.0},
    }
    progress = {
        **{"id": str(UUID(int=1)), "runId": str(UUID(int=1)), "name": "churn"},
        **{"timestamp": "2026-01-01T12:00:00.500Z", "batchId": batch, "batchDuration": 900},
        **{"durationMs": {"triggerExecution": 900, "addBatch": 800}, "numInputRows": 1000},
        **{"stateOperators": [], "sources": [source]},
        "sink": {"description": "KafkaTable", "numOutputRows": -1, "metrics": {}},
    }
    return json.dumps({"progress": progress})


def _scrape(registry: CollectorRegistry) -> tuple[float, int]:
    """Milliseconds of processor time for one scrape, and its bytes."""
    begin = time.process_time()
    _, body = expose(registry, {})
    return (time.process_time() - begin) * 1000, len(body)


def _row(done: int, taken: Sequence[float], scrape: float, size: int) -> tuple[str, ...]:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    figures = (f"{median(taken):.1f}", f"{max(taken):.1f}", f"{scrape:.0f}", f"{size / 1000:.0f}")
    return f"{done:,}", *figures, f"{pages * 4096 / 1e6:.0f}"


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:3]]
    main(*numbers, *(1000, 10_000)[len(numbers) :])
