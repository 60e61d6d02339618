"""The files that the sandbox's Kafka is started from."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.kafka.broker_files import server_properties, write_logging, write_properties


def properties(**overrides: str) -> dict[str, str]:
    named = {name.replace("_", "."): value for name, value in overrides.items()}
    return server_properties(Path("data"), 9092, 9093, named)


def test_the_broker_listens_on_loopback_only() -> None:
    made = properties()
    places = [made["listeners"], made["advertised.listeners"], made["controller.quorum.voters"]]
    for place in ",".join(places).split(","):
        assert "127.0.0.1:" in place
    assert made["listeners"] == "PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093"


def test_internal_topics_are_what_one_broker_can_hold() -> None:
    factors = {n: v for n, v in properties().items() if n.endswith((".replication.factor", ".isr"))}
    assert len(factors) >= 5
    assert set(factors.values()) == {"1"}


def test_no_topic_is_made_by_asking_for_it() -> None:
    assert properties()["auto.create.topics.enable"] == "false"


def test_a_broker_s_setting_can_be_overridden() -> None:
    assert properties(broker_heartbeat_interval_ms="9")["broker.heartbeat.interval.ms"] == "9"


@pytest.mark.parametrize(
    ("value", "written"),
    [("plain", "plain"), ("a\\b", "a\\\\b"), ("a\nb", "a\\nb"), ("é", "é"), ("漢", "\\u6f22")],
)
def test_a_value_is_written_as_java_reads_it(tmp_path: Path, value: str, written: str) -> None:
    write_properties(tmp_path / "x", {"name": value})
    assert (tmp_path / "x").read_text("latin-1") == f"name={written}\n"


def test_kafka_logs_warnings_to_standard_error(tmp_path: Path) -> None:
    write_logging(tmp_path / "x")
    text = (tmp_path / "x").read_text()
    assert "${sys:sandbox.log.level:-WARN}" in text
    assert "SYSTEM_ERR" in text
