"""Every record, however broken, ends as exactly one prediction or dead letter, in every mode."""

from __future__ import annotations

import base64
import hashlib
import json
import signal
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Message
from corpus import Headers, send_corpus
from job import Job, wait_until
from jsonschema import Draft202012Validator
from load import records_in

from churn_tools.producer.contract_validator import ContractValidator
from sandbox.kafka.read_back import answered, read_topic
from sandbox.kafka.topics import CustomerTopics, create_topics, delete_topics
from stream_telemetry.broker.read import RecordAddress, headers_of, object_of
from telco_churn.contract.limits import MAX_EVENT_BYTES
from telco_churn.paths import read_schema

PREFIX = "fates"


@dataclass(frozen=True)
class Fates:
    """What was sent, and what came of it, by source coordinates."""

    sent: dict[RecordAddress, Message]
    predictions: list[Message]
    dead_letters: list[Message]


@pytest.fixture(scope="module")
def corpus(broker: str) -> Iterator[str]:
    """A topic that holds every class of bad input, odd but valid events, and mutated ones."""
    topic = f"{PREFIX}.raw"
    create_topics(broker, {topic: 3}, {"max.message.bytes": "40000000"})
    send_corpus(broker, topic)
    yield topic
    delete_topics(broker, [topic])


@pytest.fixture(scope="module")
def fates(broker: str, corpus: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fates]:
    with outputs(broker, corpus, "once") as topics:
        result = Job(tmp_path_factory.mktemp("once"), broker, topics).run("--trigger", "once")
        assert result.returncode == 0, result.stderr
        yield read_fates(broker, topics)


class outputs:
    """The two output topics of one run."""

    def __init__(self, broker: str, corpus: str, mode: str) -> None:
        self._broker = broker
        self.topics = CustomerTopics(
            corpus, f"{PREFIX}.{mode}.predictions", f"{PREFIX}.{mode}.dead"
        )

    def __enter__(self) -> CustomerTopics:
        create_topics(self._broker, {self.topics.predictions: 3, self.topics.dead_letters: 1})
        return self.topics

    def __exit__(self, *error: object) -> None:
        delete_topics(self._broker, [self.topics.predictions, self.topics.dead_letters])


def read_fates(broker: str, topics: CustomerTopics) -> Fates:
    return Fates(
        {RecordAddress.of(m): m for m in read_topic(broker, topics.raw)},
        list(read_topic(broker, topics.predictions)),
        list(read_topic(broker, topics.dead_letters)),
    )


def header_pairs(message: Message) -> Headers:
    pairs = message.headers() or []
    assert isinstance(pairs, list)
    return pairs


def without_frame(value: bytes | None) -> bytes | None:
    is_framed = value is not None and len(value) >= 5 and value[0] == 0
    return value[5:] if value and is_framed else value


def answers(predictions: list[Message]) -> dict[RecordAddress, tuple[Any, ...]]:
    fields = ("customerID", "churn_probability", "prediction", "event_ts", "model_version")
    return {answered(m): tuple(object_of(m)[f] for f in fields) for m in predictions}


def refusals(dead_letters: list[Message]) -> dict[RecordAddress, tuple[Any, ...]]:
    fields = ("original_message", "original_base64", "error_type", "validation_errors")
    return {
        answered(m): tuple(json.dumps(object_of(m).get(f)) for f in fields) for m in dead_letters
    }


def test_each_record_has_exactly_one_fate(fates: Fates) -> None:
    found = Counter(answered(m) for m in chain(fates.predictions, fates.dead_letters))
    assert len(fates.sent) > 5_000
    assert found.keys() == fates.sent.keys()
    assert set(found.values()) == {1}


def test_the_fate_is_the_one_that_the_contract_asks_for(fates: Fates) -> None:
    referee = ContractValidator(read_schema("customer_event"))
    scored = {answered(m) for m in fates.predictions}
    for place, message in fates.sent.items():
        value = message.value()
        try:
            is_valid = not referee.violations(ContractValidator.parse(without_frame(value)))
        except ValueError:
            is_valid = False
        if value is not None and (
            len(value) > MAX_EVENT_BYTES or b'"TotalCharges":"1e400"' in value
        ):
            is_valid = False
        assert (place in scored) == is_valid, value


def test_messages_of_a_schema_registry_are_scored_or_called_what_they_are(fates: Fates) -> None:
    by_key = [m for m in fates.predictions if m.key() == b"registry"]
    assert len(by_key) == 20
    (avro,) = [object_of(m) for m in fates.dead_letters if m.key() == b"Avro"]
    assert [v["code"] for v in avro["validation_errors"]] == ["framed_non_object"]


def test_outputs_follow_their_contracts(fates: Fates) -> None:
    for name, records in (("prediction", fates.predictions), ("dead_letter", fates.dead_letters)):
        schema = read_schema(name)
        validator = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
        for record in records:
            validator.validate(object_of(record))


def test_a_dead_letter_gives_back_the_message_byte_for_byte(fates: Fates) -> None:
    cut = 0
    for letter in fates.dead_letters:
        value = fates.sent[answered(letter)].value()
        wrapped = object_of(letter)
        if "original_base64" in wrapped:
            original: bytes | None = base64.b64decode(wrapped["original_base64"])
            assert wrapped["original_message"] is None
        else:
            text = wrapped["original_message"]
            original = None if text is None else text.encode("utf-8", "surrogatepass")
        if "original_truncated" in wrapped:
            cut += 1
            assert original
            assert value is not None
            assert value.startswith(original)
            assert wrapped["original_truncated"] == {
                "length": len(value),
                "sha256": hashlib.sha256(value).hexdigest(),
            }
        else:
            assert original == value
    assert cut > 0


def test_a_dead_letter_has_a_reason_and_keeps_its_distance_from_the_broker_limit(
    fates: Fates,
) -> None:
    for letter in fates.dead_letters:
        wrapped = object_of(letter)
        assert wrapped["error_type"] == "validation_error"
        assert wrapped["validation_errors"]
        assert wrapped["error_message"]
        assert len(letter.value() or b"") < 900_000


def test_keys_and_headers_travel_byte_for_byte(fates: Fates) -> None:
    with_headers = 0
    for output in chain(fates.predictions, fates.dead_letters):
        source = fates.sent[answered(output)]
        if len(source.key() or b"") > 65_536 or len(header_pairs(source)) > 100:
            continue
        assert output.key() == source.key()
        own = [pair for pair in header_pairs(source) if pair[0] != "__value_schema_id"]
        assert header_pairs(output)[: len(own) + 1] == [*own, ("source_topic", b"fates.raw")]
        with_headers += bool(own)
        assert int(headers_of(output)["source_timestamp"]) == source.timestamp()[1]
        assert float(headers_of(output)["latency_ms"]) >= 0
    assert with_headers > 500


@pytest.mark.parametrize(
    "trigger", [pytest.param("1 second", marks=pytest.mark.slow), "realtime=5 seconds"]
)
def test_the_same_input_gets_the_same_answers_in_every_mode(
    fates: Fates, broker: str, corpus: str, tmp_path: Path, trigger: str
) -> None:
    with outputs(broker, corpus, trigger.split("=")[0].replace(" ", "")) as topics:
        job = Job(tmp_path, broker, topics)
        with job.running("--trigger", trigger) as process:

            def is_drained() -> bool:
                outputs = (topics.predictions, topics.dead_letters)
                return records_in(broker, *outputs) >= len(fates.sent)

            wait_until(is_drained, process)
            time.sleep(6 if "realtime" in trigger else 0)
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0, process.communicate()[0]
        got = read_fates(broker, topics)
        assert len(got.predictions) + len(got.dead_letters) == len(fates.sent)
        assert answers(got.predictions) == answers(fates.predictions)
        assert refusals(got.dead_letters) == refusals(fates.dead_letters)
