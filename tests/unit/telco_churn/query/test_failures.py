"""Failures that a restart would only repeat, by what Spark says of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from pyspark.errors import StreamingQueryException
from pyspark.sql import SparkSession

from stream_telemetry.broker.admin import JvmAdmin
from stream_telemetry.run.alarm import Alarm
from telco_churn.errors import (
    ChurnStreamError,
    KafkaUnavailableError,
    PoisonRecordError,
    QueryFailedError,
    SettingsError,
    SourceDataLostError,
    TopicError,
)
from telco_churn.query.checkpoint import Checkpoint
from telco_churn.query.cluster_checks import ClusterChecks
from telco_churn.query.failures import Triage
from telco_churn.query.patience import ExecutorWatch
from telco_churn.query.settings import BrokerSettings, GroupSettings, TopicSettings
from telco_churn.rights.missing import RightsWatch
from telco_churn.rights.needed import rights_of_job

BEGIN = "[STREAM_FAILED] Query [id = 1, runId = 2] terminated with exception: "
KAFKA = "org.apache.kafka.common.errors"
POISON = (
    "Record at topic a.b partition 1 offset 7 has timestamp value 18600000000000000 that overflows "
    "when converting to Spark's microsecond-precision TimestampType."
)


@pytest.fixture
def triage(spark: SparkSession, tmp_path: Path) -> Triage:
    kafka, topics = BrokerSettings(), TopicSettings()
    # The JVM of the unit tests has no Kafka client, and no failure here comes so far as to ask.
    cluster = ClusterChecks(cast(JvmAdmin, None), kafka, topics)
    checkpoint, executors = Checkpoint(str(tmp_path)), ExecutorWatch("m", 0, lambda: False)
    rights = RightsWatch(kafka.client, rights_of_job(topics, GroupSettings(), ()), ())
    return Triage(
        *(topics, cluster, checkpoint, Alarm(), "spark.log", kafka.jvm_client, executors, rights)
    )


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
        (f"{KAFKA}.RecordTooLargeException: y", QueryFailedError, "raise the topic"),
        (
            f"{KAFKA}.TopicAuthorizationException: Not authorized to access topics: "
            "[telco.churn.predictions]",
            QueryFailedError,
            "this user may not Write topic telco.churn.predictions; allow it with: kafka-acls.sh",
        ),
        (f"{KAFKA}.ClusterAuthorizationException: y", QueryFailedError, "its rights in docs/secu"),
        ("[CONCURRENT_STREAM_LOG_UPDATE] y", SettingsError, "let one driver alone use"),
    ],
)
def test_a_failure_that_lasts_ends_the_job_with_an_error_of_its_own(
    triage: Triage, text: str, kind: type[ChurnStreamError], said: str
) -> None:
    with pytest.raises(kind, match=said):
        triage.ensure_it_can_pass(StreamingQueryException(BEGIN + text))


def failing(error: ChurnStreamError) -> object:
    def check(*settings: object) -> None:
        raise error

    return check


def test_an_absent_broker_can_come_back(triage: Triage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ClusterChecks, "check_kafka", failing(KafkaUnavailableError("away")))
    triage.ensure_it_can_pass(StreamingQueryException(BEGIN + "TimeoutException"))


@pytest.mark.parametrize("error", [TopicError("no topic"), SourceDataLostError("made anew")])
def test_a_topic_that_is_gone_behind_a_timeout_ends_the_job(
    triage: Triage, monkeypatch: pytest.MonkeyPatch, error: ChurnStreamError
) -> None:
    monkeypatch.setattr(ClusterChecks, "check_kafka", failing(error))
    with pytest.raises(type(error)):
        triage.ensure_it_can_pass(StreamingQueryException(BEGIN + "TimeoutException"))


def test_a_login_that_was_replaced_since_the_start_can_pass(
    triage: Triage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ClusterChecks, "check_kafka", failing(KafkaUnavailableError("away")))
    path = tmp_path / "kafka.properties"
    lines = "security.protocol=SASL_SSL\nsasl.mechanism=PLAIN\nsasl.username=a\nsasl.password="
    path.touch(mode=0o600)
    path.write_text(lines + "old")
    access = BrokerSettings(broker="a:1", kafka_config=path).jvm_client
    with_login = replace(triage, access=access)
    refused = StreamingQueryException(f"{BEGIN}{KAFKA}.SaslAuthenticationException: y")
    with pytest.raises(QueryFailedError, match="see the login"):
        with_login.ensure_it_can_pass(refused)
    path.write_text(lines + "newer")
    with_login.ensure_it_can_pass(refused)
    # The restart takes it; a second refusal is one of the new password.
    assert dict(access)
    with pytest.raises(QueryFailedError, match="see the login"):
        with_login.ensure_it_can_pass(refused)


def test_a_cluster_that_has_taken_all_executors_ends_the_job_in_the_silence(
    triage: Triage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ClusterChecks, "check_kafka", failing(KafkaUnavailableError("away")))
    triage.look_around()
    deserted = replace(triage, executors=ExecutorWatch("spark://m:1", 0, lambda: True))
    with pytest.raises(QueryFailedError, match="spark://m:1 has left the job without an executor"):
        deserted.look_around()
