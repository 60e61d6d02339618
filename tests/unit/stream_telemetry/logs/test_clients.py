"""What Kafka's clients say, in our log."""

from __future__ import annotations

import logging

import pytest
from confluent_kafka import KafkaError

from stream_telemetry.logs.clients import NoRepeats, log_client_error, reason_and_remedy


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


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ([], "(too late); start it, or set --broker"),
        ([(KafkaError._TRANSPORT, "refused")], "(refused); start it, or set --broker"),
        (
            [(KafkaError._TRANSPORT, "cut"), (KafkaError._AUTHENTICATION, "who?")],
            "(who?); see the login in the file that --kafka-config names",
        ),
        (
            [(KafkaError._ALL_BROKERS_DOWN, "down"), (KafkaError._SSL, "expired")],
            "(expired); see the certificates on both sides, and those in the file that "
            "--kafka-config names",
        ),
        (
            [(KafkaError._TRANSPORT, "incorrect security.protocol configuration?")],
            "(incorrect security.protocol configuration?); name a file with its login and TLS: "
            "--kafka-config",
        ),
    ],
)
def test_the_complaint_that_says_most_is_the_reason(told: list[tuple[int, str]], said: str) -> None:
    complaints = [KafkaError(code, text) for code, text in told]
    assert reason_and_remedy(complaints, KafkaError(KafkaError._TIMED_OUT, "too late")) == said
