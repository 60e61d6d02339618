"""Settings that follow their file while a program runs."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from stream_telemetry.security.kafka_config import KafkaConfig
from stream_telemetry.security.live_client import LiveClient, stamp_of

LINES = "security.protocol=SASL_SSL\nsasl.mechanism=PLAIN\nsasl.username=alice\nsasl.password="
Writer = Callable[[str, str], Path]


def client_of(path: Path | None) -> LiveClient:
    return LiveClient("a:1", path, KafkaConfig.for_librdkafka)


def test_without_a_file_there_are_the_servers_alone() -> None:
    client = client_of(None)
    assert dict(client) == {"bootstrap.servers": "a:1"}
    assert not client.is_stale
    assert stamp_of(client) == stamp_of({"bootstrap.servers": "a:1"}) == ""


def test_a_password_that_was_replaced_is_that_of_the_next_client(write: Writer) -> None:
    client = client_of(write("kafka.properties", LINES + "old"))
    before = client.stamp
    assert client["sasl.password"] == "old"
    write("kafka.properties", LINES + "newer")
    assert client.is_stale
    assert stamp_of(client) != before
    assert {**client}["sasl.password"] == "newer"
    assert not client.is_stale


def test_a_replacement_that_cannot_be_used_changes_nothing(
    write: Writer, caplog: pytest.LogCaptureFixture
) -> None:
    client = client_of(write("kafka.properties", LINES + "canary"))
    write("kafka.properties", LINES)
    with caplog.at_level(logging.WARNING):
        assert {**client}["sasl.password"] == "canary"
    assert caplog.text.count("the login has no password") == 1
    assert "canary" not in caplog.text
    write("kafka.properties", LINES + "again")
    assert client["sasl.password"] == "again"
