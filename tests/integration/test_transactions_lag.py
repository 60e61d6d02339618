"""Lag and its age where producers use transactions, or give their records odd times."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from confluent_kafka import Producer
from waiting import eventually

from sandbox.kafka.topics import CustomerTopics, create_topics, delete_topics
from stream_telemetry.broker import held_back
from stream_telemetry.broker.lag import LagThread
from stream_telemetry.broker.offsets import BrokerOffsets
from stream_telemetry.health import Health, limits_for
from stream_telemetry.metrics import catalogue
from stream_telemetry.metrics.metric import Metric
from stream_telemetry.metrics.store import MetricStore

A_CENTURY = 100 * 365 * 86_400
ANY_TIME = "9223372036854775807"


class Watch:
    """The lag of one topic with one partition, asked when the test wants it."""

    def __init__(self, broker: str, topic: str) -> None:
        self.topic = topic
        self.store = MetricStore()
        self.offsets = BrokerOffsets(topic, f"group-of-{topic}", {"bootstrap.servers": broker})
        self.thread = LagThread(
            self.offsets,
            self.store,
            Health(limits_for(5, is_realtime=False), has_model=False),
            resume=lambda bounds: bounds.beginnings,
            commits=False,
        )

    def asked(self) -> tuple[float, float]:
        """Lag and what is held back, as the broker tells them now."""
        self.thread._poll()
        assert self.value(catalogue.BROKER_CONNECTED, ()) == 1
        return self.value(catalogue.LAG), self.value(catalogue.HELD_BACK)

    def value(self, metric: Metric, labels: tuple[str, ...] | None = None) -> float:
        return self.store.value(metric, *((self.topic, "0") if labels is None else labels))

    def advance_to_end(self) -> None:
        self.thread.advance(self.offsets.bounds().ends)


@pytest.fixture
def topic(broker: str, topic_names: CustomerTopics) -> Iterator[str]:
    name = f"{topic_names.raw}.one"
    create_topics(broker, {name: 1}, {"message.timestamp.after.max.ms": ANY_TIME})
    yield name
    delete_topics(broker, [name])


@contextmanager
def watching(broker: str, topic: str) -> Iterator[Watch]:
    watch = Watch(broker, topic)
    try:
        yield watch
    finally:
        watch.offsets.close()


def transactions(broker: str, topic: str) -> Producer:
    producer = Producer({"bootstrap.servers": broker, "transactional.id": topic, "log_level": 0})
    producer.init_transactions(30)
    return producer


def begin(producer: Producer, topic: str, records: int) -> None:
    producer.begin_transaction()
    for _ in range(records):
        producer.produce(topic, b"{}", partition=0)
    assert producer.flush(30) == 0


def plain(broker: str, topic: str, *times: int) -> None:
    producer = Producer({"bootstrap.servers": broker})
    for made in times:
        producer.produce(topic, b"{}", partition=0, timestamp=made)
    assert producer.flush(30) == 0


def test_records_behind_an_open_transaction_are_held_back_and_no_lag(
    broker: str,
    topic: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(held_back, "LONG_SECONDS", 0.0)
    producer = transactions(broker, topic)
    with watching(broker, topic) as watch, caplog.at_level(logging.WARNING):
        plain(broker, topic, 0, 0)
        begin(producer, topic, 3)
        plain(broker, topic, 0)
        before = time.monotonic()
        assert watch.asked() == (2, 4)
        watch.advance_to_end()
        assert watch.asked() == (0, 4)
        assert watch.value(catalogue.LAG_SECONDS) == 0
        assert time.monotonic() - before < 1.5, "nothing waits for what cannot be read"
        assert "open at offset 2 for" in caplog.text
        assert "4 offsets from there on" in caplog.text
        producer.commit_transaction()
        # The broker writes the mark of the end some time after it has said yes.
        assert eventually(lambda: watch.asked() == (5, 0)), "the records and their mark"
        watch.advance_to_end()
        assert watch.asked() == (0, 0)
    assert len(caplog.records) == 1


def test_aborted_records_and_marks_leave_no_lag_and_no_age(broker: str, topic: str) -> None:
    producer = transactions(broker, topic)
    with watching(broker, topic) as watch:
        plain(broker, topic, 0)
        watch.asked()
        watch.thread.advance({(topic, 0): 1})
        begin(producer, topic, 2)
        producer.abort_transaction()
        assert eventually(lambda: watch.asked() == (3, 0))
        # A reader is given nothing beyond the aborted records, and the mark alone is not one.
        watch.thread.advance({(topic, 0): 3})
        before = time.monotonic()
        assert watch.asked() == (1, 0)
        assert time.monotonic() - before < 1.5
        watch.advance_to_end()
        assert watch.asked() == (0, 0)
        assert watch.value(catalogue.LAG_SECONDS) == 0


@pytest.mark.parametrize(
    "made", [-1, int((time.time() + A_CENTURY) * 1000)], ids=["none", "in a century"]
)
def test_a_record_without_a_time_or_with_one_to_come_is_as_old_as_its_wait(
    broker: str, topic: str, made: int
) -> None:
    plain(broker, topic, made)
    with watching(broker, topic) as watch:
        assert watch.asked() == (1, 0)
        assert watch.value(catalogue.LAG_SECONDS) < 1
        time.sleep(1.5)
        watch.asked()
        assert 1.5 <= watch.value(catalogue.LAG_SECONDS) < 10
