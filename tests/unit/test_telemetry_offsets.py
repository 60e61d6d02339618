from __future__ import annotations

from concurrent.futures import Future

import pytest
from confluent_kafka import KafkaException

from stream_telemetry import broker_offsets
from stream_telemetry.broker_offsets import BrokerOffsets


def test_an_answer_that_never_comes_is_kafka_s_error(monkeypatch: pytest.MonkeyPatch) -> None:
    # Any other kind would end the thread that asks, and leave its last figures standing for ever.
    for name in ("TIMEOUT_SECONDS", "_GIVE_UP_SECONDS"):
        monkeypatch.setattr(broker_offsets, name, 0.01)
    with pytest.raises(KafkaException, match="Timed out"):
        broker_offsets._answer(Future[None]())


def test_a_broker_that_is_not_there_is_kafka_s_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker_offsets, "TIMEOUT_SECONDS", 1.0)
    offsets = BrokerOffsets("topic", "group", {"bootstrap.servers": "127.0.0.1:9"})
    with pytest.raises(KafkaException):
        offsets.bounds()
    with pytest.raises(KafkaException):
        offsets.commit({("topic", 0): 1})
