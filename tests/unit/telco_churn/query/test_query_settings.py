"""The settings of the query: names of topics, servers, offsets."""

from __future__ import annotations

from pathlib import Path

import pytest

from telco_churn.query.settings import (
    BrokerSettings,
    ReadSettings,
    TopicSettings,
    servers,
    starting_offsets,
    topic,
)


@pytest.mark.parametrize("name", ["a", "telco.raw_customers-1", "A" * 249, "...", "..a"])
def test_a_name_that_kafka_takes_is_a_topic(name: str) -> None:
    assert topic(name) == name


@pytest.mark.parametrize("name", ["", ".", "..", "a b", "a/b", "ä", "a\n", "A" * 250, "a,b"])
def test_a_name_that_kafka_refuses_is_none(name: str) -> None:
    with pytest.raises(ValueError, match="is not a topic name"):
        topic(name)


@pytest.mark.parametrize(
    "text", ["a:1", "a:1,b:65535", "a:1, b:2", "[::1]:9092", "a_b-c.d:1", "SSL://a:1"]
)
def test_servers_are_hosts_with_ports(text: str) -> None:
    assert servers(text) == text


@pytest.mark.parametrize(
    "text",
    ["", "a", ":1", "a:", "a:0", "a:65536", "a:x", "a:²", "a:1,", "a:1;b:2", "a b:1", "::1:9092"],
)
def test_a_server_without_host_or_port_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"write host:port\[,host:port\]"):
        servers(text)


@pytest.mark.parametrize("text", ["earliest", "latest", '{"raw":{"0":42}}', "{}"])
def test_a_start_is_one_of_two_words_or_an_object(text: str) -> None:
    assert starting_offsets(text) == text


@pytest.mark.parametrize("text", ["", "Earliest", "newest", "[1]", "5", "{", "null"])
def test_any_other_start_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be earliest, latest, or JSON"):
        starting_offsets(text)


def test_a_client_is_told_the_servers() -> None:
    assert BrokerSettings(broker="a:1").client == {"bootstrap.servers": "a:1"}


def test_the_topics_are_told_with_the_one_that_is_read_first() -> None:
    topics = TopicSettings(input_topic="in", output_topic="out", deadletter_topic="dead")
    assert topics.all == ("in", "out", "dead")
    assert topics.outputs == ("out", "dead")


@pytest.mark.parametrize("names", [("a", "a", "b"), ("a", "b", "a"), ("b", "a", "a")])
def test_a_topic_that_is_two_of_the_three_is_refused(names: tuple[str, str, str]) -> None:
    first, second, third = names
    with pytest.raises(ValueError, match=f"topics {', '.join(names)}: all three must differ"):
        TopicSettings(input_topic=first, output_topic=second, deadletter_topic=third)


def test_without_a_word_the_query_reads_from_the_beginning_and_fails_on_lost_records() -> None:
    reading = ReadSettings()
    assert (reading.starting_offsets, reading.on_data_loss) == ("earliest", "fail")
    assert not reading.trigger.is_once


def test_the_file_for_kafka_is_checked_with_the_settings(tmp_path: Path) -> None:
    path = tmp_path / "kafka.properties"
    path.write_text("security.protocol=SSL\n")
    settings = BrokerSettings(broker="a:1", kafka_config=path)
    assert settings.client["security.protocol"] == "SSL"
    assert settings.jvm_client["bootstrap.servers"] == "a:1"
    assert settings.token_endpoint is None
    path.write_text("acks=0\n")
    with pytest.raises(ValueError, match="acks is not one of the names"):
        BrokerSettings(broker="a:1", kafka_config=path)
