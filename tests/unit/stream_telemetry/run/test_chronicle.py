"""What each of Spark's events changes: metrics, health, log, positions."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

import pytest
from made_counts import REFERENCE
from pyspark.errors import StreamingQueryException
from pyspark.sql import Row
from pyspark.sql.streaming.listener import (
    QueryIdleEvent,
    QueryProgressEvent,
    QueryStartedEvent,
    QueryTerminatedEvent,
)

from stream_telemetry.batch.history import BatchHistory
from stream_telemetry.batch.observation import Observation
from stream_telemetry.batch.own_figures import OwnFigures
from stream_telemetry.broker.lag import LagThread
from stream_telemetry.broker.offsets import BrokerOffsets
from stream_telemetry.broker.read import RecordAddress
from stream_telemetry.drift.counting import ModelCounting
from stream_telemetry.drift.settings import DriftSettings
from stream_telemetry.drift.watch import ModelWatch
from stream_telemetry.health import Health, Limits
from stream_telemetry.logs.query import QueryLog
from stream_telemetry.metrics import catalogue, of_model
from stream_telemetry.metrics.store import MetricStore
from stream_telemetry.run.chronicle import Chronicle
from stream_telemetry.run.lifecycle import NewStart
from stream_telemetry.run.supervision import Restart
from stream_telemetry.shadow.comparison import ShadowCounting
from stream_telemetry.shadow.shadow_watch import ShadowWatch

RUN = UUID(int=1)
WHEN = "2026-01-01T12:00:00.500Z"


class Told:
    """A chronicle, and all that it writes to; nothing of it asks a broker."""

    def __init__(self, own: OwnFigures | None = None) -> None:
        self.store = MetricStore()
        self.health = Health(Limits(60.0), has_model=False)
        self.history = BatchHistory()
        offsets = BrokerOffsets("raw", "group", {"bootstrap.servers": "127.0.0.1:1"})
        self.lag = LagThread(
            offsets, self.store, self.health, resume=lambda bounds: {}, commits=False
        )
        self.chronicle = Chronicle(
            observation=Observation(operations={}, finished="finished", own=own),
            store=self.store,
            health=self.health,
            log=QueryLog("ours", "churn"),
            history=self.history,
            lag=self.lag,
            topic="raw",
        )


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Iterator[Told]:
    caplog.set_level(logging.INFO, "ours")
    made = Told()
    yield made
    made.lag.finish(10)


def progress(
    batch: int, rows: int, position: int, end: str | None = None, took: int = 1500
) -> QueryProgressEvent:
    source: dict[str, Any] = {
        "description": "KafkaV2[Subscribe[raw]]",
        "startOffset": None,
        "endOffset": end or f'{{"raw":{{"0":{position}}}}}',
        "latestOffset": None,
        "numInputRows": rows,
        "inputRowsPerSecond": 1.0,
        "processedRowsPerSecond": 1.0,
        "metrics": {},
    }
    document = {
        "id": str(RUN),
        "runId": str(RUN),
        "name": "churn",
        "timestamp": WHEN,
        "batchId": batch,
        "batchDuration": 1500,
        "durationMs": {"triggerExecution": took, "addBatch": took},
        "numInputRows": rows,
        "stateOperators": [],
        "sources": [source],
        "sink": {"description": "KafkaTable", "numOutputRows": -1, "metrics": {}},
    }
    return QueryProgressEvent.fromJson({"progress": document})


def started() -> QueryStartedEvent:
    return QueryStartedEvent(RUN, RUN, "churn", WHEN, set())


def terminated(exception: str | None) -> QueryTerminatedEvent:
    return QueryTerminatedEvent(RUN, RUN, exception, None)


def test_a_start_is_a_sign_of_life(told: Told) -> None:
    told.chronicle.note(started())
    assert told.health.state == "running"


def test_a_batch_moves_metrics_history_and_positions(told: Told) -> None:
    told.chronicle.note(progress(4, 30, 31))
    assert told.store.value(catalogue.RECORDS_READ) == 30
    assert told.store.value(catalogue.BATCHES) == 1
    assert told.history.find(RecordAddress("raw", 0, 30)) == 4
    ((_, batch),) = told.chronicle.recent.batches()
    assert (batch.number, batch.records_read) == (4, 30)
    assert told.health.state == "running"


def test_a_batch_without_rows_leaves_the_query_idle(told: Told) -> None:
    told.chronicle.note(progress(4, 0, 31))
    assert told.health.state == "idle"


def test_idleness_is_a_sign_of_life_and_no_work(told: Told) -> None:
    told.chronicle.note(progress(4, 30, 31))
    told.chronicle.note(QueryIdleEvent(RUN, RUN, WHEN))
    assert told.health.state == "idle"
    assert told.store.value(catalogue.BUSY_RATIO) == 0


@pytest.mark.parametrize(
    ("exception", "state", "is_well"), [(None, "stopping", True), ("boom", "failed", False)]
)
def test_an_end_is_good_or_bad_and_both_are_remembered(
    told: Told, exception: str | None, state: str, is_well: bool
) -> None:
    told.chronicle.note(started())
    told.chronicle.note(terminated(exception))
    assert told.health.state == state
    assert told.chronicle.has_ended_well is is_well


def test_a_failure_that_was_survived_is_no_bad_end(told: Told) -> None:
    for event in (started(), terminated("boom"), started(), terminated(None)):
        told.chronicle.note(event)
    assert told.chronicle.has_ended_well


def test_a_restart_is_counted_and_shown(told: Told) -> None:
    told.chronicle.note(Restart(1, 5, 1.0, StreamingQueryException("boom"), "boom"))
    assert told.store.value(catalogue.RESTARTS) == 1
    assert told.health.state == "restarting"


def test_the_log_tells_the_life_of_a_query_in_order(
    told: Told, caplog: pytest.LogCaptureFixture
) -> None:
    restart = Restart(1, 5, 1.0, StreamingQueryException("disk full"), "disk full")
    for event in (started(), progress(0, 5, 5), terminated("disk full"), restart, started()):
        told.chronicle.note(event)
    said = [line.getMessage() for line in caplog.records if "health" not in line.getMessage()]
    assert [line.split(":")[0].split(",")[0] for line in said] == [
        "query churn started",
        "batch 0",
        "query churn failed",
        "restart 1 of 5 in 1 s",
        "query churn started again",
    ]


def test_each_change_of_health_is_a_line(told: Told, caplog: pytest.LogCaptureFixture) -> None:
    for event in (started(), terminated("boom")):
        told.chronicle.note(event)
    states = [line.__dict__["state"] for line in caplog.records if "state" in line.__dict__]
    assert states == ["running", "failed"]


def test_a_progress_of_another_source_is_refused(told: Told) -> None:
    with pytest.raises(ValueError, match="not the offsets of a Kafka source"):
        told.chronicle.note(progress(0, 5, 5, end="7"))


@pytest.mark.parametrize("took", [-598_500, 601_500])
def test_a_batch_in_which_the_clock_was_set_took_a_time_that_can_be(told: Told, took: int) -> None:
    told.chronicle.note(started())
    told.chronicle.note(progress(4, 30, 31, took=took))
    assert 0 <= told.store.value(catalogue.LAST_BATCH_SECONDS) < 10
    assert 0 <= told.store.value(catalogue.PHASE_SECONDS, "addBatch") < 10


def test_a_start_after_the_clock_was_set_is_counted_and_shown(told: Told) -> None:
    told.chronicle.note(terminated(None))
    told.chronicle.note(NewStart(is_planned=False))
    assert told.store.value(catalogue.RESTARTS) == 1
    assert told.health.state == "restarting"


def test_a_start_that_somebody_wants_is_no_sign_of_trouble(told: Told) -> None:
    told.chronicle.note(started())
    told.chronicle.note(terminated(None))
    told.chronicle.note(NewStart(is_planned=True))
    assert told.store.value(catalogue.RESTARTS) == 0
    assert told.health.is_healthy
    told.chronicle.note(started())
    assert told.health.state == "running"


def test_another_model_is_watched_from_its_place_among_the_events_on(told: Told) -> None:
    for labels in (("no", "yes"), ()):
        counting = ModelCounting(REFERENCE, labels)
        told.chronicle.note(ModelWatch(counting, DriftSettings()))
        assert told.chronicle.observation.model is counting
    assert of_model.SCORE in told.store.metrics()
    assert not told.store.series(of_model.EXPECTED_BRIER)


class Own:
    """A query's own figures, of which it has one."""

    def declare(self, store: MetricStore) -> None:
        store.declare(of_model.CHANGES, [("taken",)])

    def take(self, rows: Mapping[str, Mapping[str, Any]], store: MetricStore) -> None:
        store.add(of_model.CHANGES, rows["mine"]["count"], "taken")

    def show(self, store: MetricStore) -> None:
        store.set(of_model.EXPECTED_BRIER, 0.5)


def test_a_query_has_figures_of_its_own_from_what_its_plan_observes() -> None:
    told = Told(Own())
    assert told.store.series(of_model.CHANGES) == {("taken",): 0}
    told.store.refresh()
    assert told.store.value(of_model.EXPECTED_BRIER) == 0.5
    event = progress(0, 3, 3)
    event.progress["observedMetrics"] = {"mine": Row(count=3)}
    told.chronicle.note(event)
    assert told.store.value(of_model.CHANGES, "taken") == 3
    told.lag.finish(10)


def test_a_shadow_is_compared_beside_the_model_that_is_watched(told: Told) -> None:
    counting, shadow = ModelCounting(REFERENCE), ShadowCounting(0.5, 0.5)
    told.chronicle.note(ModelWatch(counting, DriftSettings()))
    told.chronicle.note(ShadowWatch(shadow, DriftSettings()))
    assert told.chronicle.observation.model is counting
    assert told.chronicle.observation.shadow is shadow
    told.chronicle.note(progress(4, 30, 31))
    assert told.store.series(of_model.SHADOW_RECORDS)[("yes", "failed")] == 0
    told.store.set(of_model.SHADOW_MEAN_SCORE, 0.5, "records")
    told.chronicle.note(ShadowWatch(ShadowCounting(0.7, 0.5), DriftSettings()))
    assert not told.store.series(of_model.SHADOW_MEAN_SCORE), "it is of another comparison"
