"""The summary of a query that no Spark runs, by a clock that the test sets."""

from __future__ import annotations

import json
import logging
import threading
import time
from typing import Any

import pytest
from made_batches import OBSERVATION, made_batch

from stream_telemetry.broker.read import RecordAddress
from stream_telemetry.health import Health, Limits
from stream_telemetry.live.overview import SHOWN_BATCHES, Overview
from stream_telemetry.logs.backlog import RecordLine
from stream_telemetry.metrics import catalogue, of_model
from stream_telemetry.metrics.metric import Metric
from stream_telemetry.metrics.recorder import Recorder
from stream_telemetry.metrics.store import MetricStore
from stream_telemetry.stream import Stream

STREAM = Stream(
    query="churn",
    topic="raw",
    broker="127.0.0.1:9092",
    consumer_group="group",
    checkpoint="c",
    batch_seconds=5.0,
    version="1.2",
    model_backend="spark",
)


class Query:
    """A query, what is told of it, and the clock."""

    def __init__(self, *, reads_refused: bool = True) -> None:
        self.now = 1000.0
        self.store = MetricStore()
        self.health = Health(Limits(60.0), has_model=True, clock=lambda: self.now)
        self.overview = Overview(
            STREAM, self.store, self.health, reads_refused, clock=lambda: self.now
        )
        self._recorder = Recorder(self.store, OBSERVATION, "raw", lambda: self.now)

    def starts(self) -> None:
        self.health.heard("running")
        self.health.set_model(is_loaded=True)
        self.is_behind(0, 0.0)

    def runs(self, number: int = 0, **figures: Any) -> None:
        batch = made_batch(number, **figures)
        self.health.heard("running")
        self._recorder.record(batch)
        self.overview.recent.add(batch)

    def is_behind(self, records: float, oldest: float) -> None:
        self.store.set(catalogue.LAG, records, "raw", "0")
        self.store.set(catalogue.LAG_SECONDS, oldest, "raw", "0")
        self.health.set_broker(is_connected=True)
        self.health.set_lag(oldest)
        self.overview.look()

    def summary(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(json.dumps(self.overview.summary(), allow_nan=False))
        return told


@pytest.fixture
def query() -> Query:
    made = Query()
    made.starts()
    return made


def test_before_anything_has_happened_all_is_unknown_and_nothing_fails() -> None:
    told = Query().summary()
    assert told["state"]["name"] == "starting"
    assert told["lag"]["records"] is None
    assert told["lag"]["asked_seconds_ago"] is None
    assert told["latency"]["end_to_end"]["p95_seconds"] is None
    assert told["rate"]["records_per_second"] == 0
    assert (told["batches"], told["refused"], told["changes"][0]["name"]) == ([], [], "starting")
    assert told["model"]["created"] is None


def test_the_job_says_who_it_is(query: Query) -> None:
    query.store.add(catalogue.RESTARTS, 2)
    job = query.summary()["job"]
    assert (job["query"], job["topic"], job["consumer_group"]) == ("churn", "raw", "group")
    assert (job["trigger_seconds"], job["version"], job["restarts"]) == (5, "1.2", 2)


def test_the_rate_is_that_of_the_last_minute_and_ends_with_the_batches(query: Query) -> None:
    for number in range(24):
        query.now += 5
        query.runs(number, good=200, refused=50)
    rate = query.summary()["rate"]
    assert rate["records_per_second"] == pytest.approx(50, rel=0.1)
    assert rate["refused_per_second"] == pytest.approx(10, rel=0.1)
    query.now += 30
    assert query.summary()["rate"]["records_per_second"] == pytest.approx(25, rel=0.1)
    query.now += 31
    assert query.summary()["rate"]["records_per_second"] == 0


def test_the_rate_of_a_young_query_counts_from_its_first_batch(query: Query) -> None:
    query.now += 4
    query.runs(good=1000, seconds=4.0)
    query.now += 4
    query.runs(good=1000, seconds=4.0)
    assert query.summary()["rate"]["records_per_second"] == pytest.approx(250)


def test_percentiles_are_of_the_last_minutes_and_not_of_long_ago(query: Query) -> None:
    query.runs(good=100, age=3000.0)
    query.now += 301
    query.runs(good=100, age=2.0)
    latency = query.summary()["latency"]
    assert latency["seconds"] == 300
    assert latency["end_to_end"]["records"] == 100
    assert latency["end_to_end"]["p99_seconds"] <= 2.5
    assert latency["operations"]["total"]["p50_seconds"] == pytest.approx(2e-5, rel=0.5)
    query.now += 301
    assert query.summary()["latency"]["end_to_end"]["p95_seconds"] is None


def test_outcomes_are_told_since_the_start_and_lately(query: Query) -> None:
    query.runs(good=90, refused=10)
    query.now += 301
    query.runs(good=50)
    told = query.summary()["outcomes"]
    assert (told["total"]["read"], told["total"]["refused"]) == (150, 10)
    assert (told["recent"]["read"], told["recent"]["refused"]) == (50, 0)


def test_reasons_are_counted_by_step_and_by_field(query: Query) -> None:
    query.runs(refused=3, fields={"tenure": 2, "message": 1})
    reasons = query.summary()["reasons"]
    assert reasons["error_types"] == [{"name": "validation_error", "total": 3, "recent": 3}]
    assert [row["name"] for row in reasons["fields"]] == ["tenure", "message"]


def test_batches_are_few_and_the_newest_is_last(query: Query) -> None:
    for number in range(100):
        query.runs(number, good=number, refused=1, seconds=1.5)
    batches = query.summary()["batches"]
    assert len(batches) == SHOWN_BATCHES
    last = batches[-1]
    assert (last["number"], last["records"], last["refused"], last["seconds"]) == (99, 100, 1, 1.5)


def test_records_that_wait_too_long_make_it_late_though_health_is_well(query: Query) -> None:
    query.now += 40
    for _ in range(40):
        query.now += 3
        query.is_behind(500, 40.0)
        query.runs()
    told = query.summary()
    assert set(told["checks"].values()) == {"pass"}
    assert told["state"]["name"] == "late"
    assert "oldest is 40 s old" in told["state"]["why"]


def test_a_backlog_that_falls_is_being_caught_up_with(query: Query) -> None:
    for look in range(40):
        query.now += 3
        query.is_behind(100_000 - 1000 * look, 300.0 - look)
        query.runs()
    state = query.summary()["state"]
    assert state["name"] == "catching up"
    assert "so about 2 min 46 s" in state["why"]


def test_a_long_batch_does_not_hide_that_the_backlog_falls(query: Query) -> None:
    for batch in range(6):
        for look in range(20):
            query.now += 3
            query.is_behind(100_000 - 9000 * batch + 150 * look, 200.0)
        query.runs(seconds=60.0)
    assert query.summary()["state"]["name"] == "catching up"


def test_figures_of_a_broker_that_is_gone_say_how_old_they_are(query: Query) -> None:
    query.is_behind(7, 3.0)
    query.now += 30
    query.health.set_broker(is_connected=False)
    query.overview.look()
    told = query.summary()
    assert told["state"]["name"] == "no broker"
    assert told["lag"]["records"] == 7
    assert told["lag"]["asked_seconds_ago"] == 30


def test_changes_are_kept_whether_anybody_asks_or_not(query: Query) -> None:
    query.now += 10
    query.health.set_broker(is_connected=False)
    query.overview.look()
    query.now += 20
    query.is_behind(0, 0.0)
    query.now += 5
    told = query.summary()
    assert [c["name"] for c in told["changes"]] == ["running", "no broker", "running"]
    assert told["state"]["seconds"] == 5


def test_a_refused_record_is_told_by_its_place_and_reasons_and_nothing_of_it(query: Query) -> None:
    line = RecordLine(
        "failed",
        logging.WARNING,
        "raw-0-42 tenure: out_of_range",
        {
            "event_type": "validation_failure",
            "error_type": "schema_validation",
            "message_id": "7590-VHVEG",
            "traceparent": "00-abc",
            "violations": ["tenure: out_of_range"],
        },
        RecordAddress("raw", 0, 42),
    )
    query.overview.recent.refuse(line)
    query.overview.recent.refuse(RecordLine("failed", logging.ERROR, "text"))
    unknown, refused = query.summary()["refused"]
    assert (refused["topic"], refused["partition"], refused["offset"]) == ("raw", 0, 42)
    assert refused["reasons"] == ["tenure: out_of_range"]
    assert "7590" not in json.dumps(refused)
    assert "abc" not in json.dumps(refused)
    assert (unknown["topic"], unknown["reasons"]) == (None, [])


def test_who_reads_no_refused_records_back_says_so() -> None:
    assert Query(reads_refused=False).summary()["refused"] is None


def test_the_model_is_told_with_all_that_is_watched_of_it(query: Query) -> None:
    psi = Metric("model_feature_psi", "gauge", "Drift.", ("feature",))
    query.store.set(catalogue.MODEL_LOADED, 1.0)
    query.store.declare(catalogue.MODEL_INFO, [("v1",)])
    query.store.set(catalogue.MODEL_CREATED, time.time() - 3600)
    query.store.set(psi, 0.3, "tenure")
    query.store.set(psi, float("nan"), "gender")
    model = query.summary()["model"]
    assert (model["is_loaded"], model["versions"]) == (True, ["v1"])
    assert model["age_seconds"] == pytest.approx(3600, abs=60)
    assert model["figures"] == [
        {"name": "model_feature_psi", "labels": {"feature": "tenure"}, "value": 0.3},
        {"name": "model_feature_psi", "labels": {"feature": "gender"}, "value": None},
    ]
    assert model["shadow"] is None
    query.store.declare(of_model.SHADOW_INFO, [("v2",)])
    assert query.summary()["model"]["shadow"] == "v2"


def test_a_full_summary_is_small_and_quick(query: Query) -> None:
    for number in range(400):
        query.now += 1
        query.is_behind(number, 1.0)
        query.runs(number, refused=2, fields={"tenure": 1})
    before = time.process_time()
    text = json.dumps(query.overview.summary())
    assert time.process_time() - before < 0.2
    assert len(text) < 25_000


def test_many_may_ask_while_it_is_written(query: Query) -> None:
    failures: list[BaseException] = []
    is_over = threading.Event()

    def asks() -> None:
        try:
            while not is_over.is_set():
                query.summary()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=asks) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(50):
        query.runs(number)
        query.is_behind(number, 1.0)
    is_over.set()
    for thread in threads:
        thread.join()
    assert failures == []
