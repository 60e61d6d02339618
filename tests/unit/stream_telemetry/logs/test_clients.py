"""What Kafka's clients say, in our log."""

from __future__ import annotations

import logging

import pytest
from confluent_kafka import KafkaError

from stream_telemetry.logs.clients import NoRepeats, log_client_error


def test_a_client_says_a_thing_once_a_minute_whatever_its_numbers() -> None:
    now = [0.0]
    news = NoRepeats(lambda: now[0])

    def hears(text: str) -> bool:
        return news.filter(logging.makeLogRecord({"msg": text}))

    said = [hears(text) for text in ("127.0.0.1:9092 is down", "127.0.0.1:9093 is down", "up")]
    assert said == [True, False, True]
    now[0] = 61.0
    assert hears("127.0.0.1:1 is down")


def test_errors_of_clients_are_warnings_with_their_kind(caplog: pytest.LogCaptureFixture) -> None:
    log_client_error(KafkaError(KafkaError._ALL_BROKERS_DOWN))
    (line,) = caplog.records
    assert (line.levelname, line.__dict__["error_type"]) == ("WARNING", "kafka_error")
    assert "tries again" in line.getMessage()
