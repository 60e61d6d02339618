"""What is told while a cluster is waited for; with a real one: `test_cluster_start.py`."""

from __future__ import annotations

import logging
import signal
import time
from pathlib import Path

import pytest

from stream_telemetry.logs.settings import JVM_LOG
from telco_churn.errors import QueryFailedError
from telco_churn.query import patience
from telco_churn.query.patience import awaited

MASTER = "spark://there:7077"
SAID = '{"level": "WARNING", "logger": "org.apache.spark.scheduler.X", "message": "no room"}\n'


@pytest.fixture(autouse=True)
def spark_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CHURN_STREAM_LOG_DIR", str(tmp_path))
    monkeypatch.setenv(JVM_LOG, "spark-2")
    monkeypatch.setattr(patience, "FIRST_WORD_SECONDS", 0.05)
    return tmp_path / "spark-2.log"


def test_a_wait_is_told_with_sparks_reason_then_given_up(
    spark_log: Path, caplog: pytest.LogCaptureFixture
) -> None:
    spark_log.write_text('{"logger": "org.apache.spark.util.Utils", "message": "else"}\n' + SAID)
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
