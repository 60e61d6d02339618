"""Failures that a restart would only repeat, by what Spark says of them."""

from __future__ import annotations

import pytest
from pyspark.errors import StreamingQueryException

from telco_churn.errors import (
    ChurnStreamError,
    KafkaUnavailableError,
    PoisonRecordError,
    QueryFailedError,
    SourceDataLostError,
    TopicError,
)
from telco_churn.query import failures
from telco_churn.query.failures import ensure_it_can_pass
from telco_churn.settings.job import Settings, read_settings

BEGIN = "[STREAM_FAILED] Query [id = 1, runId = 2] terminated with exception: "
POISON = (
    "Record at topic a.b partition 1 offset 7 has timestamp value 18600000000000000 that overflows "
    "when converting to Spark's microsecond-precision TimestampType."
)


@pytest.fixture
def settings() -> Settings:
    return read_settings([], {})


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        (POISON, PoisonRecordError, "record a.b-1-7 has the timestamp 18600000000000000"),
        ("[KAFKA_DATA_LOSS.X] gone", SourceDataLostError, "set --on-data-loss continue"),
        (
            "Some data may have been lost because\nReason: no records in [1, 2)\nwith group x",
            SourceDataLostError,
            r"no longer has the offsets that come next: no records in \[1, 2\); to go on",
        ),
        ("x.RecordTooLargeException: y", QueryFailedError, "failed: x.RecordTooLargeException"),
        ("x.TopicAuthorizationException: y", QueryFailedError, "failed: x.TopicAuth"),
        ("[CONCURRENT_STREAM_LOG_UPDATE] y", QueryFailedError, "CONCURRENT"),
    ],
)
def test_a_failure_that_lasts(
    settings: Settings, text: str, kind: type[ChurnStreamError], said: str
) -> None:
    with pytest.raises(kind, match=said):
        ensure_it_can_pass(StreamingQueryException(BEGIN + text), settings)


def failing(error: ChurnStreamError) -> object:
    def check(settings: Settings) -> None:
        raise error

    return check


def test_an_absent_broker_can_come_back(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failures, "check_topics", failing(KafkaUnavailableError("away")))
    ensure_it_can_pass(StreamingQueryException(BEGIN + "TimeoutException"), settings)


@pytest.mark.parametrize("error", [TopicError("no topic"), SourceDataLostError("made anew")])
def test_a_topic_that_is_gone_behind_a_timeout_ends_the_job(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, error: ChurnStreamError
) -> None:
    monkeypatch.setattr(failures, "check_topics", failing(error))
    with pytest.raises(type(error)):
        ensure_it_can_pass(StreamingQueryException(BEGIN + "TimeoutException"), settings)
