"""What is told while a cluster is waited for; with a real one: `test_cluster_start.py`."""

from __future__ import annotations

import json
import logging
import signal
import time
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from stream_telemetry.logs.settings import JVM_LOG
from telco_churn.errors import QueryFailedError, SettingsError
from telco_churn.query import patience
from telco_churn.query.patience import ExecutorWatch, awaited, misses_executor, why_ended

MASTER = "spark://there:7077"
NOW, BEFORE = "9999-01-01T00:00:00.000Z", "2020-01-01T00:00:00.000Z"
SCHEDULER = "org.apache.spark.scheduler"
ENDED = "Application has been killed. Reason: "


def said(message: str, logger: str = f"{SCHEDULER}.TaskSchedulerImpl", when: str = NOW) -> str:
    """A line of Spark's log."""
    line = {"timestamp": when, "level": "WARNING", "logger": logger, "message": message}
    return json.dumps(line) + "\n"


@pytest.fixture(autouse=True)
def spark_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CHURN_STREAM_LOG_DIR", str(tmp_path))
    monkeypatch.setenv(JVM_LOG, "spark-2")
    monkeypatch.setattr(patience, "FIRST_WORD_SECONDS", 0.05)
    return tmp_path / "spark-2.log"


def test_a_wait_is_told_with_sparks_reason_then_given_up(
    spark_log: Path, caplog: pytest.LogCaptureFixture
) -> None:
    other = said("else", "org.apache.spark.util.Utils")
    spark_log.write_text(f'{{"cut off\n{said("no room")}{other}')
    began = time.monotonic()
    with pytest.raises(QueryFailedError) as error, awaited(MASTER, 0.2):
        time.sleep(10)
    assert time.monotonic() - began < 5
    (line,) = caplog.messages
    assert line.startswith(f"{MASTER} has given the job no executor in 0 s (Spark: no room); ")
    assert f"{MASTER} has given the job no executor" in str(error.value)
    assert "(Spark: no room); see its page" in str(error.value)


def test_without_a_log_of_sparks_the_reason_is_left_out() -> None:
    with pytest.raises(QueryFailedError, match=r"no executor in 0 s; see"), awaited(MASTER, 0.1):
        time.sleep(10)


def test_a_wait_that_is_over_leaves_nothing_behind(caplog: pytest.LogCaptureFixture) -> None:
    before = signal.getsignal(signal.SIGALRM)
    caplog.set_level(logging.INFO)
    with awaited(MASTER, 0.1):
        pass
    time.sleep(0.2)
    assert caplog.messages == []
    assert signal.getsignal(signal.SIGALRM) is before


def test_what_another_run_has_said_is_no_reason(spark_log: Path) -> None:
    spark_log.write_text(said("no room", when=BEFORE) + said(f"{ENDED}x", when=BEFORE))
    with pytest.raises(QueryFailedError, match=r"no executor in 0 s; see"), awaited(MASTER, 0.1):
        time.sleep(10)
    assert why_ended() == ""


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("All masters are unresponsive! Giving up.", "Giving up; see whether it runs"),
        ("Master removed our application: KILLED", "KILLED; somebody has ended it"),
        ("Master removed our application: FAILED", "FAILED; its executors end again"),
        ("something new", "something new"),
    ],
)
def test_why_a_cluster_has_ended_spark_is_told_with_what_to_do(
    spark_log: Path, reason: str, told: str
) -> None:
    backend = f"{SCHEDULER}.cluster.StandaloneSchedulerBackend"
    spark_log.write_text(said(f"{ENDED}{reason}", backend) + said("Lost executor 0"))
    assert told in why_ended()
    with pytest.raises(QueryFailedError) as error, awaited(MASTER, 9):
        raise SettingsError("Spark does not start: IllegalStateException: stopped SparkContext")
    assert str(error.value) == f"{MASTER} does not run the job: {why_ended()}"


def test_an_error_that_is_not_the_clusters_stays_as_it_is() -> None:
    with pytest.raises(SettingsError, match="no such option"), awaited(MASTER, 9):
        raise SettingsError("Spark does not start: no such option")


def test_a_run_without_executors_is_told_then_ended(
    spark_log: Path, caplog: pytest.LogCaptureFixture
) -> None:
    missed = [True, False, True, True, True]
    watch = ExecutorWatch(MASTER, 0.2, lambda: missed.pop(0))
    watch.check()
    (line,) = caplog.messages
    assert line.startswith(f"{MASTER} has left the job without an executor; the job ends")
    time.sleep(0.3)
    watch.check()
    # Counted anew after one that came.
    watch.check()
    spark_log.write_text(said("Lost executor 0"))
    time.sleep(0.3)
    with pytest.raises(QueryFailedError, match=r"executor for 0 s \(Spark: Lost executor 0\); see"):
        watch.check()


def test_on_one_machine_no_executor_is_missed(spark: SparkSession) -> None:
    assert not misses_executor(spark)
