"""Lines about single records: what may be in them, and what never is."""

from __future__ import annotations

import json

import pytest
from churn_kind import CHURN
from confluent_kafka import Message

from stream_telemetry.broker.read import RecordAddress
from telco_churn.outcome.log_lines import FAILURES, RecordLines

LINES = RecordLines(
    input_topic="raw",
    message_id=lambda key: None if key is None else key.decode(),
    fields=["tenure", "gender"],
    kind=CHURN,
)
SOURCE: list[tuple[str, str | bytes | None]] = [
    ("source_topic", b"raw"),
    ("source_partition", b"2"),
    ("source_offset", b"77"),
]
GOOD = {"churn_probability": 0.25, "prediction": "No"}


def record(value: object, *headers: tuple[str, bytes], key: bytes | None = b"id") -> Message:
    return Message(key=key, value=json.dumps(value).encode(), headers=[*SOURCE, *headers])


@pytest.mark.parametrize(("decision", "number"), [("Yes", 1), ("No", 0)])
def test_a_decision_is_a_number_for_machines(decision: str, number: int) -> None:
    line = LINES.prediction(record({**GOOD, "prediction": decision}))
    assert (line.status, line.fields["prediction"]) == ("success", number)
    assert line.message == f"prediction {decision}, churn probability 0.2500"


def test_a_line_names_the_event_and_the_key() -> None:
    line = LINES.prediction(record(GOOD))
    assert line.source == RecordAddress("raw", 2, 77)
    place = {name: line.fields[name] for name in ("topic", "partition", "offset", "message_id")}
    assert place == {"topic": "raw", "partition": 2, "offset": 77, "message_id": "id"}


def test_a_record_without_a_key_has_no_id() -> None:
    assert LINES.prediction(record(GOOD, key=None)).fields["message_id"] is None


@pytest.mark.parametrize(
    ("header", "milliseconds"), [(b"0.251", 0.251), (b"0", 0.0), (b"fast", None), (b"", None)]
)
def test_a_latency_that_is_no_number_is_none(header: bytes, milliseconds: float | None) -> None:
    line = LINES.prediction(record(GOOD, ("latency_ms", header)))
    assert line.fields["latency_ms"] == milliseconds


def test_trace_headers_are_copied_under_names_that_fields_can_have() -> None:
    traces = [("b3", b"1"), ("x-request-id", b"2"), ("tracestate", b"3"), ("own", b"4")]
    fields = LINES.prediction(record(GOOD, *traces)).fields
    assert {"b3": "1", "x_request_id": "2", "tracestate": "3"}.items() <= fields.items()
    assert "own" not in fields


def test_a_long_trace_header_is_cut() -> None:
    fields = LINES.prediction(record(GOOD, ("b3", b"x" * 201))).fields
    assert fields["b3"] == "x" * 199 + "…"


@pytest.mark.parametrize(
    "value",
    [
        *({}, [], "x", None, {**GOOD, "churn_probability": None}),
        *({**GOOD, "churn_probability": -0.1}, {**GOOD, "churn_probability": "0.5"}),
        *({**GOOD, "prediction": None}, {**GOOD, "prediction": "Maybe"}),
    ],
)
def test_a_prediction_that_is_none_is_told_as_a_failure_of_ours(value: object) -> None:
    line = LINES.prediction(record(value))
    assert line.status == "failed"
    assert line.fields["event_type"] == "output_validation_failure"
    assert line.message.startswith("raw-2-77 p")


@pytest.mark.parametrize("kind", FAILURES)
def test_a_dead_letter_without_rules_is_told_by_its_kind(kind: str) -> None:
    line = LINES.dead_letter(record({"error_type": kind}))
    event, error = FAILURES[kind]
    assert (line.fields["event_type"], line.fields["error_type"]) == (event, error)
    assert line.message == f"raw-2-77 {event.replace('_', ' ')}"
    assert "violations" not in line.fields


def test_a_dead_letter_that_names_no_event_says_so() -> None:
    letter = json.dumps({"error_type": "validation_error"}).encode()
    line = LINES.dead_letter(Message(value=letter, headers=[]))
    assert line.source is None
    assert line.message == "a record that it does not name validation failure"


@pytest.mark.parametrize(
    ("violation", "rule"),
    [
        ({"field": "tenure", "code": "out_of_range"}, "tenure: out_of_range"),
        ({"field": "made-up", "code": "unknown_field"}, "unknown: unknown_field"),
        ({"field": None, "code": "malformed_json"}, "message: malformed_json"),
        ("not a violation", "message"),
    ],
)
def test_a_rule_is_named_by_a_field_of_the_contract_or_not_at_all(
    violation: object, rule: str
) -> None:
    letter = {"error_type": "validation_error", "validation_errors": [violation]}
    line = LINES.dead_letter(record(letter))
    assert line.fields["violations"] == [rule]
    assert line.message == f"raw-2-77 {rule}"


def test_a_line_names_twenty_rules_at_most() -> None:
    violation = {"field": "tenure", "code": "out_of_range"}
    letter = {"error_type": "validation_error", "validation_errors": [violation] * 25}
    line = LINES.dead_letter(record(letter))
    assert line.fields["violations"] == ["tenure: out_of_range"] * 20
    assert line.message.count("out_of_range") == 20
