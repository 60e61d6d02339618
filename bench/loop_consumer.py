"""The yardstick: the same work as the job's, as a Kafka loop in Python written by hand.

What a user who cares for speed would write without Spark: one process, records in batches, each
event checked by plain comparisons, a batch scored by numpy. Outputs follow the same contracts, and
offsets are committed once a batch's outputs are acknowledged. It reads what is in the topic, then
prints `{"records": …, "seconds": …}`, the time from the first batch to the last commit.
"""

from __future__ import annotations

import argparse
import base64
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer
from loop_scoring import FastScorer
from weights import Weights, read_weights

from churn_tools.producer.contract_validator import ContractValidator
from telco_churn.paths import read_schema

BATCH_RECORDS = 5_000
GROUP = "loop-consumer"

_encode = json.JSONEncoder(separators=(",", ":")).encode


@dataclass(frozen=True)
class Topics:
    """What is read, and where to its outcomes go."""

    events: str
    predictions: str
    dead_letters: str


class Loop:
    """Consumes, checks, scores and produces."""

    def __init__(self, broker: str, topics: Topics, weights: Weights) -> None:
        self._topics = topics
        self._weights = weights
        self._scorer = FastScorer(weights)
        self._referee = ContractValidator(read_schema("customer_event"))
        self._consumer = Consumer(
            {
                "bootstrap.servers": broker,
                "group.id": GROUP,
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
                # The run is over when each partition has said that it is at its end.
                "enable.partition.eof": True,
            }
        )
        self._producer = Producer(
            {
                "bootstrap.servers": broker,
                "acks": "all",
                "compression.type": "lz4",
                "linger.ms": 20,
                "batch.size": 262_144,
                "queue.buffering.max.messages": 1_000_000,
                "delivery.report.only.error": True,
            }
        )

    def run(self) -> tuple[int, float]:
        """Records read until the end of every partition, and the seconds that it took."""
        self._consumer.subscribe([self._topics.events])
        unread = set(
            self._consumer.list_topics(self._topics.events).topics[self._topics.events].partitions
        )
        records, started = 0, 0.0
        while unread:
            batch = []
            for message in self._consumer.consume(BATCH_RECORDS, timeout=0.1):
                if (error := message.error()) is None:
                    batch.append(message)
                elif error.code() == KafkaError._PARTITION_EOF:
                    unread.discard(message.partition())
                else:
                    raise KafkaException(error)
            if batch:
                # From the first batch on: joining the group is not part of the work.
                started = started or time.monotonic()
                self._process(batch)
                records += len(batch)
        seconds = time.monotonic() - started
        self._consumer.close()
        return records, seconds

    def _process(self, batch: Sequence[Message]) -> None:
        started = time.perf_counter()
        accepted: list[tuple[Message, dict[str, Any]]] = []
        terms = []
        for message in batch:
            event, its_terms = self._read(message.value())
            if event is None or its_terms is None:
                self._send(message, self._topics.dead_letters, self._dead_letter(message, event))
            else:
                accepted.append((message, event))
                terms.append(its_terms)
        scoring = time.perf_counter()
        probabilities = self._scorer.probabilities(terms).tolist()
        now = time.perf_counter()
        inference_ms = (now - scoring) * 1_000 / max(len(accepted), 1)
        latency = b"%.3f" % ((now - started) * 1_000)
        for (message, event), probability in zip(accepted, probabilities, strict=True):
            prediction = self._prediction(event, probability, inference_ms)
            self._send(message, self._topics.predictions, prediction, latency)
        self._producer.flush()
        # The outputs are acknowledged, so nothing is lost if this commit fails.
        self._consumer.commit(asynchronous=True)

    def _read(self, value: bytes | None) -> tuple[Any, list[float] | None]:
        try:
            event = json.loads((value or b"").decode())
        except (ValueError, RecursionError):
            return None, None
        return event, self._scorer.terms(event)

    def _prediction(self, event: dict[str, Any], probability: float, inference_ms: float) -> str:
        return _encode(
            {
                "customerID": event["customerID"],
                "churn_probability": probability,
                "prediction": "Yes" if probability >= self._weights.threshold else "No",
                "event_ts": event["event_ts"],
                "processed_ts": _now(),
                "model_version": self._weights.version,
                "inference_latency_ms": inference_ms,
            }
        )

    def _dead_letter(self, message: Message, event: Any) -> str:
        broken = self._referee.violations(event) if event is not None else [(None, "malformed")]
        value = message.value()
        try:
            original: dict[str, Any] = {
                "original_message": None if value is None else value.decode()
            }
        except UnicodeDecodeError:
            encoded = base64.b64encode(value or b"").decode()
            original = {"original_message": None, "original_base64": encoded}
        return _encode(
            {
                **original,
                "error_type": "validation_error",
                "error_message": "; ".join(
                    f"{field or 'message'}: {code}" for field, code in broken
                ),
                "validation_errors": [
                    {"field": field, "code": code, "message": code} for field, code in broken
                ],
                "source_topic": message.topic(),
                "failed_ts": _now(),
                "consumer_group": GROUP,
                "retry_count": 0,
            }
        )

    def _send(self, message: Message, topic: str, value: str, latency: bytes = b"0") -> None:
        headers = [
            *(message.headers() or ()),
            ("source_topic", message.topic()),
            ("source_partition", str(message.partition())),
            ("source_offset", str(message.offset())),
            ("source_timestamp", str(message.timestamp()[1])),
            ("latency_ms", latency),
        ]
        self._producer.produce(topic, value, message.key(), headers=headers, on_delivery=_delivered)


def _delivered(error: KafkaError | None, _message: Message) -> None:
    if error is not None:
        raise KafkaException(error)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def main() -> None:
    """Runs the loop once, from command-line arguments."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--broker", "--input-topic", "--output-topic", "--deadletter-topic"):
        parser.add_argument(name, required=True)
    parser.add_argument("--weights", type=Path, required=True)
    options = parser.parse_args()
    topics = Topics(options.input_topic, options.output_topic, options.deadletter_topic)
    records, seconds = Loop(options.broker, topics, read_weights(options.weights)).run()
    print(json.dumps({"records": records, "seconds": seconds}))


if __name__ == "__main__":
    main()
