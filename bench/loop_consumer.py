"""The yardstick: the same work as the job's, as a Kafka loop in Python written by hand.

What a user who cares for speed would write without Spark: records in batches, each event checked by
plain comparisons, a batch scored by numpy or by scikit-learn, in one process or more, each with
partitions of its own. Outputs follow the same contracts, and offsets are committed once a batch's
outputs are acknowledged. It runs until it is ended. At its first batch each process prints
`{"begun": …}`, seconds since 1970.
"""

from __future__ import annotations

import argparse
import base64
import json
import multiprocessing
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition
from loop_scoring import FastScorer
from numpy import float64
from numpy.typing import NDArray
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


class Scorer(Protocol):
    """Checks events one by one, scores them in batches."""

    def accept(self, event: Any) -> Any:
        """What `probabilities` wants to have of an event; None if it breaks the contract."""

    def probabilities(self, accepted: Sequence[Any]) -> NDArray[float64]:
        """Probabilities of leaving."""


class Loop:
    """Consumes, checks, scores and produces."""

    def __init__(self, broker: str, topics: Topics, weights: Weights, scorer: Scorer) -> None:
        self._topics = topics
        self._weights = weights
        self._scorer = scorer
        self._referee = ContractValidator(read_schema("customer_event"))
        self._consumer = Consumer(
            {
                "bootstrap.servers": broker,
                # One for each output, so that none goes on where another one has stopped.
                "group.id": f"{GROUP}.{topics.predictions}",
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
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

    def run(self, part: int, parts: int) -> None:
        """Works without end on one part of the partitions, of so many."""
        topic = self._topics.events
        numbers = sorted(self._consumer.list_topics(topic).topics[topic].partitions)
        self._consumer.assign([TopicPartition(topic, number) for number in numbers[part::parts]])
        batch = self._next_batch()
        print(json.dumps({"begun": time.time()}), flush=True)
        while True:
            self._process(batch)
            batch = self._next_batch()

    def _next_batch(self) -> Sequence[Message]:
        """Waits for one record, and takes with it what has come by then."""
        while not (first := self._consumer.consume(1, timeout=1)):
            pass
        batch = [*first, *self._consumer.consume(BATCH_RECORDS - 1, timeout=0)]
        for message in batch:
            if (error := message.error()) is not None:
                raise KafkaException(error)
        return batch

    def _process(self, batch: Sequence[Message]) -> None:
        started = time.perf_counter()
        accepted: list[tuple[Message, dict[str, Any]]] = []
        features = []
        for message in batch:
            event, its_features = self._read(message.value())
            if event is None or its_features is None:
                self._send(message, self._topics.dead_letters, self._dead_letter(message, event))
            else:
                accepted.append((message, event))
                features.append(its_features)
        scoring = time.perf_counter()
        probabilities = self._scorer.probabilities(features).tolist()
        now = time.perf_counter()
        inference_ms = (now - scoring) * 1_000 / max(len(accepted), 1)
        latency = b"%.3f" % ((now - started) * 1_000)
        for (message, event), probability in zip(accepted, probabilities, strict=True):
            prediction = self._prediction(event, probability, inference_ms)
            self._send(message, self._topics.predictions, prediction, latency)
        self._producer.flush()
        # The outputs are acknowledged, so nothing is lost if this commit fails.
        self._consumer.commit(asynchronous=True)

    def _read(self, value: bytes | None) -> tuple[Any, Any]:
        try:
            event = json.loads((value or b"").decode())
        except (ValueError, RecursionError):
            return None, None
        return event, self._scorer.accept(event)

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


def make_scorer(name: str, weights: Weights) -> Scorer:
    """The scorer of this name: `dictionary` or `sklearn`."""
    if name == "dictionary":
        return FastScorer(weights)
    # Not above: it takes two seconds, and an extra package.
    from loop_sklearn import SklearnScorer

    return SklearnScorer(weights)


def work(options: argparse.Namespace, part: int) -> None:
    """Runs one of the processes."""
    topics = Topics(options.input_topic, options.output_topic, options.deadletter_topic)
    weights = read_weights(options.weights)
    scorer = make_scorer(options.scorer, weights)
    Loop(options.broker, topics, weights, scorer).run(part, options.processes)


def main() -> None:
    """Runs the loop, from command-line arguments."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--broker", "--input-topic", "--output-topic", "--deadletter-topic"):
        parser.add_argument(name, required=True)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--scorer", choices=("dictionary", "sklearn"), default="dictionary")
    parser.add_argument("--processes", type=int, default=1)
    options = parser.parse_args()
    for part in range(1, options.processes):
        multiprocessing.Process(target=work, args=(options, part)).start()
    work(options, 0)


if __name__ == "__main__":
    main()
