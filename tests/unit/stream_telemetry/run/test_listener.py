from __future__ import annotations

import json
import threading
import time
from typing import Any
from uuid import UUID

import pytest
from pyspark.sql.streaming.listener import (
    QueryIdleEvent,
    QueryProgressEvent,
    QueryStartedEvent,
    QueryTerminatedEvent,
)

from stream_telemetry.batch.observation import Observation
from stream_telemetry.batch.progress import read_batch
from stream_telemetry.health import Health, Limits
from stream_telemetry.metrics import catalogue
from stream_telemetry.metrics.store import MetricStore
from stream_telemetry.run.listener import Event, EventThread, QueryListener

OURS, OTHER = "00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002"
WHEN = "2026-01-01T12:00:00.500Z"
HEALTH = Health(Limits(60), has_model=False)
OBSERVATION = Observation(operations={}, finished="finished")


def started(run: str, name: str) -> QueryStartedEvent:
    return QueryStartedEvent(UUID(run), UUID(run), name, WHEN, set())


def progress(run: str, name: str, **changes: Any) -> QueryProgressEvent:
    document = {
        "id": run,
        "runId": run,
        "name": name,
        "timestamp": WHEN,
        "batchId": 3,
        "batchDuration": 1500,
        "durationMs": {"triggerExecution": 1500, "addBatch": 1200},
        "numInputRows": 30,
        "stateOperators": [],
        "sources": [
            {
                "description": "KafkaV2[Subscribe[raw]]",
                "startOffset": '{"raw":{"0":1}}',
                "endOffset": '{"raw":{"1":7,"0":31}}',
                "latestOffset": '{"raw":{"1":7,"0":31}}',
                "numInputRows": 30,
                "inputRowsPerSecond": 1.0,
                "processedRowsPerSecond": 1.0,
                "metrics": {},
            }
        ],
        "sink": {"description": "KafkaTable", "numOutputRows": -1, "metrics": {}},
    } | changes
    return QueryProgressEvent.fromJson({"progress": document})


def idle(run: str) -> QueryIdleEvent:
    return QueryIdleEvent(UUID(run), UUID(run), WHEN)


def terminated(run: str) -> QueryTerminatedEvent:
    return QueryTerminatedEvent(UUID(run), UUID(run), None, None)


def tell(listener: QueryListener, run: str, name: str) -> None:
    listener.onQueryStarted(started(run, name))
    listener.onQueryProgress(progress(run, name))
    listener.onQueryIdle(idle(run))
    listener.onQueryTerminated(terminated(run))


def test_only_the_events_of_its_own_query_are_passed_on() -> None:
    events: list[Event] = []
    listener = QueryListener("ours", events.append)
    tell(listener, OTHER, "another")
    assert events == []
    tell(listener, OURS, "ours")
    assert [type(event).__name__ for event in events] == [
        "QueryStartedEvent",
        "QueryProgressEvent",
        "QueryIdleEvent",
        "QueryTerminatedEvent",
    ]


def test_a_progress_event_becomes_a_batch() -> None:
    batch = read_batch(progress(OURS, "ours").progress, OBSERVATION)
    assert (batch.number, batch.records_read, batch.seconds) == (3, 30, 1.5)
    assert batch.ended - batch.started == 1.5
    assert batch.phases["addBatch"] == 1.2
    assert batch.positions == {("raw", 0): 31, ("raw", 1): 7}
    assert batch.observed.records == 0


@pytest.mark.parametrize("end_offset", ["7", json.dumps({"logOffset": 4})])
def test_a_source_that_is_not_kafka_is_said_to_be_none(end_offset: str) -> None:
    event = progress(OURS, "ours")
    sources = [source | {"endOffset": end_offset} for source in _sources(event)]
    with pytest.raises(ValueError, match="not the offsets of a Kafka source"):
        read_batch(progress(OURS, "ours", sources=sources).progress, OBSERVATION)


def test_an_event_that_cannot_be_evaluated_is_counted_and_the_next_one_is_evaluated() -> None:
    store = MetricStore()
    evaluated: list[Event] = []

    def evaluate(event: Event) -> None:
        if isinstance(event, QueryIdleEvent):
            raise ValueError("of no use")
        evaluated.append(event)

    thread = EventThread(evaluate, store, HEALTH)
    thread.start()
    thread.put(idle(OURS))
    thread.put(terminated(OURS))
    thread.finish(5)
    assert store.value(catalogue.LISTENER_ERRORS) == 1
    assert len(evaluated) == 1


def test_an_evaluation_that_hangs_holds_up_neither_spark_nor_the_end() -> None:
    release = threading.Event()

    def hang(event: Event) -> None:
        release.wait()

    thread = EventThread(hang, MetricStore(), HEALTH)
    thread.start()
    listener = QueryListener("ours", thread.put)
    for _ in range(1000):
        tell(listener, OURS, "ours")
    start = time.monotonic()
    thread.finish(0.2)
    assert time.monotonic() - start < 1
    release.set()


def _sources(event: QueryProgressEvent) -> list[dict[str, Any]]:
    return [json.loads(source.json) for source in event.progress.sources]
