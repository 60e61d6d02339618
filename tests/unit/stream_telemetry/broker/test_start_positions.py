from __future__ import annotations

import socket
import time

import pytest
from confluent_kafka import KafkaException

from stream_telemetry.broker import offsets as broker_offsets
from stream_telemetry.broker.offsets import BrokerOffsets

LONG_SECONDS = 20.0


@pytest.mark.parametrize("is_listening", [True, False])
def test_a_broker_that_does_not_answer_is_kafka_s_error_and_soon(
    monkeypatch: pytest.MonkeyPatch, is_listening: bool
) -> None:
    # Any other kind would end the thread that asks, and leave its last figures standing for ever.
    monkeypatch.setattr(broker_offsets, "TIMEOUT_SECONDS", 1.0)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        if is_listening:
            silent.listen()
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        offsets = BrokerOffsets("topic", "group", {"bootstrap.servers": address})
        before = time.monotonic()
        with pytest.raises(KafkaException):
            offsets.bounds()
        with pytest.raises(KafkaException):
            offsets.committed()
        with pytest.raises(KafkaException):
            offsets.commit({("topic", 0): 1})
        offsets.close()
        assert time.monotonic() - before < LONG_SECONDS
