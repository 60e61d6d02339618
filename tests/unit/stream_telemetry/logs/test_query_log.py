"""What the log says of the query as a whole."""

from __future__ import annotations

import logging

import pytest
from pyspark.errors import StreamingQueryException

from stream_telemetry.batch.observation import Histogram, Observed
from stream_telemetry.batch.progress import Batch
from stream_telemetry.logs.query import QueryLog
from stream_telemetry.run.supervision import Restart


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> QueryLog:
    caplog.set_level(logging.INFO)
    return QueryLog("ours", "churn")


def batch(number: int = 4, seconds: float = 2.0) -> Batch:
    none = Histogram((), 0.0)
    observed = Observed(7, {"validation_error": 2, "unknown_error": 1}, {}, none)
    return Batch(number, 1000.0, seconds, {}, 10, observed, {})


def test_a_line_knows_its_query_its_run_and_its_batch(
    log: QueryLog, caplog: pytest.LogCaptureFixture
) -> None:
    log.started("run-1")
    log.batch(batch(), 30)
    log.ended(None)
    places = [
        (line.__dict__["query"], line.__dict__["run_id"], line.__dict__["batch_id"])
        for line in caplog.records
    ]
    assert places == [("churn", "run-1", None), ("churn", "run-1", 4), ("churn", "run-1", 4)]


def test_before_the_first_run_nothing_is_known_of_it(log: QueryLog) -> None:
    assert log.context == {"query": "churn", "run_id": None}
    log.started("run-1")
    assert log.context == {"query": "churn", "run_id": "run-1"}


def test_a_batch_is_a_sentence_for_people_and_figures_for_machines(
    log: QueryLog, caplog: pytest.LogCaptureFixture
) -> None:
    log.batch(batch(), 30)
    (line,) = caplog.records
    said = "batch 4: 10 read, 7 good, 3 failed, 2.00 s, 5 a second, lag 30"
    assert line.getMessage() == said
    figures = {
        "records_read": 10,
        "records_succeeded": 7,
        "records_failed": 3,
        "duration_seconds": 2.0,
        "records_per_second": 5.0,
        "lag": 30,
    }
    assert figures.items() <= line.__dict__.items()


def test_a_lag_that_nobody_knows_is_called_unknown(
    log: QueryLog, caplog: pytest.LogCaptureFixture
) -> None:
    log.batch(batch(), None)
    (line,) = caplog.records
    assert line.getMessage().endswith("lag unknown")
    assert line.__dict__["lag"] is None


def test_a_batch_without_duration_has_no_rate(
    log: QueryLog, caplog: pytest.LogCaptureFixture
) -> None:
    log.batch(batch(seconds=0.0), 0)
    assert "0.00 s, 0 a second, lag 0" in caplog.text


def test_a_restart_says_which_one_when_and_why(
    log: QueryLog, caplog: pytest.LogCaptureFixture
) -> None:
    failure = StreamingQueryException("Query [id = 1] terminated with exception: disk full\n at x")
    log.restarting(Restart(2, 5, 4.0, failure, "disk full"))
    (line,) = caplog.records
    assert line.getMessage() == "restart 2 of 5 in 4 s, the query failed: disk full"
    assert line.levelname == "WARNING"
    assert (line.__dict__["restart"], line.__dict__["wait_seconds"]) == (2, 4.0)


@pytest.mark.parametrize(
    ("exception", "level", "said"),
    [
        (None, "INFO", "query churn ended"),
        ("boom\n  at a.stack", "ERROR", "query churn failed: boom"),
        ("", "ERROR", "query churn failed: "),
    ],
)
def test_the_end_of_a_run_is_one_line(
    log: QueryLog,
    caplog: pytest.LogCaptureFixture,
    exception: str | None,
    level: str,
    said: str,
) -> None:
    log.ended(exception)
    (line,) = caplog.records
    assert (line.levelname, line.getMessage()) == (level, said)


@pytest.mark.parametrize(
    ("state", "level"), [("stalled", "WARNING"), ("lagging", "WARNING"), ("running", "INFO")]
)
def test_a_state_that_is_worse_is_a_warning(
    log: QueryLog, caplog: pytest.LogCaptureFixture, state: str, level: str
) -> None:
    log.health(state, {"query_progress": "fail"})
    (line,) = caplog.records
    assert (line.levelname, line.getMessage()) == (level, f"health: {state}, was starting")
    assert line.__dict__["checks"] == {"query_progress": "fail"}


def test_a_line_is_named_after_who_asked_for_it(
    log: QueryLog, caplog: pytest.LogCaptureFixture
) -> None:
    log.started("run-1")
    assert [line.funcName for line in caplog.records] == ["started"]


def test_health_is_told_when_it_changes_but_not_each_pause(
    log: QueryLog, caplog: pytest.LogCaptureFixture
) -> None:
    log.started("run-1")
    states = ["running", "idle", "running", "stalled", "stalled", "idle", "stopping"]
    for state in states:
        log.health(state, {"query_progress": "pass"})
    lines = [line for line in caplog.records if "health" in line.getMessage()]
    assert [line.__dict__["state"] for line in lines] == ["running", "stalled", "idle", "stopping"]
    assert [line.levelname for line in lines] == ["INFO", "WARNING", "INFO", "INFO"]
    assert {(line.__dict__["query"], line.__dict__["run_id"]) for line in lines} == {
        ("churn", "run-1")
    }


def test_a_failed_run_is_one_line_and_the_next_is_said_to_be_another(
    log: QueryLog, caplog: pytest.LogCaptureFixture
) -> None:
    log.started("run-1")
    log.ended("broker gone\n  at stack.trace")
    log.started("run-2")
    log.ended(None)
    assert [line.getMessage() for line in caplog.records] == [
        "query churn started",
        "query churn failed: broker gone",
        "query churn started again",
        "query churn ended",
    ]
