"""Whole lines about records: their fields, their level, and nothing that a sender wrote."""

from __future__ import annotations

import base64
import json
import logging

import pytest
from churn_kind import CHURN
from confluent_kafka import Message

from telco_churn.outcome.log_lines import RecordLines
from telco_churn.outcome.message_ids import make_message_id
from telco_churn.outcome.settings import MessageIdSettings


def record(
    value: object, *headers: tuple[str, bytes], key: bytes | None = b"7590-VHVEG"
) -> Message:
    return Message(
        key=key,
        value=value if isinstance(value, bytes) else json.dumps(value).encode(),
        headers=list(headers),
    )


SOURCE = (
    *(("source_topic", b"raw"), ("source_partition", b"2"), ("source_offset", b"77")),
    ("latency_ms", b"0.251"),
)
PREDICTION = {"churn_probability": 0.8542, "prediction": "Yes", "model_version": "1"}
LINES = RecordLines(
    input_topic="raw",
    message_id=make_message_id(MessageIdSettings()),
    fields=["tenure"],
    kind=CHURN,
)


def test_a_prediction_is_a_line_with_the_guides_fields() -> None:
    line = LINES.prediction(record(PREDICTION, *SOURCE, ("traceparent", b"00-ab-cd-01")))
    assert (line.status, line.level) == ("success", logging.INFO)
    assert line.source == ("raw", 2, 77)
    assert line.message == "prediction Yes, churn probability 0.8542"
    assert line.fields == {
        "message_id": "7590-VHVEG",
        "topic": "raw",
        "partition": 2,
        "offset": 77,
        "latency_ms": 0.251,
        "event_type": "message_processed",
        "prediction": 1,
        "churn_probability": 0.8542,
        "traceparent": "00-ab-cd-01",
    }


@pytest.mark.parametrize(
    ("error_type", "event", "error", "level"),
    [
        ("validation_error", "validation_failure", "schema_validation", logging.WARNING),
        ("processing_error", "transformation_failure", "feature_transformation", logging.ERROR),
        ("inference_error", "inference_failure", "model_inference", logging.ERROR),
        ("unknown_error", "processing_exception", "unknown_error", logging.ERROR),
        (["x"], "processing_exception", "unknown_error", logging.ERROR),
    ],
)
def test_a_dead_letter_is_the_matching_failure_and_an_error_unless_the_sender_is_to_blame(
    error_type: object, event: str, error: str, level: int
) -> None:
    line = LINES.dead_letter(record({"error_type": error_type}, *SOURCE))
    assert (line.status, line.level) == ("failed", level)
    assert (line.fields["event_type"], line.fields["error_type"]) == (event, error)
    assert line.message.startswith("raw-2-77 ")


OTHERS: dict[str, list[tuple[str, bytes]]] = {
    "no headers": [],
    "no offset": list(SOURCE[:2]),
    "an offset that is none": [*SOURCE[:2], ("source_offset", b"-1")],
    "another input topic": [("source_topic", b"theirs"), *SOURCE[1:]],
}


@pytest.mark.parametrize("case", OTHERS)
def test_what_another_program_has_written_is_passed_over(case: str) -> None:
    assert not LINES.is_ours(record(PREDICTION, *OTHERS[case]))
    assert LINES.is_ours(record(PREDICTION, *SOURCE))


def letter_of(event: bytes) -> dict[str, object]:
    """A dead letter that holds the event: as text, or with a schema's id before it."""
    if event.startswith(b"\0"):
        return {"original_message": None, "original_base64": base64.b64encode(event).decode()}
    return {"original_message": event.decode()}


@pytest.mark.parametrize(
    ("event", "name"),
    [
        (b'{"customerID":"7590-VHVEG"}', "7590-VHVEG"),
        (b'\0\0\0\0\7{"customerID":"7590-VHVEG"}', "7590-VHVEG"),
        (b'{"customerID":"7590-VHVEG SECRET"}', None),
        (b'{"customerID":["7590-VHVEG"]}', None),
        (b'{"customerID":', None),
        (b"[]", None),
        (b"\0\0\0\0\7\xff", None),
    ],
)
def test_without_a_key_a_record_is_named_by_its_customer_if_that_looks_like_one(
    event: bytes, name: str | None
) -> None:
    letter = {"error_type": "validation_error", **letter_of(event)}
    assert LINES.dead_letter(record(letter, *SOURCE, key=None)).fields["message_id"] == name
    assert LINES.dead_letter(record(letter, *SOURCE)).fields["message_id"] == "7590-VHVEG"


def test_a_prediction_without_a_key_is_named_by_its_customer() -> None:
    prediction = {**PREDICTION, "customerID": "1234-ABCDE"}
    line = LINES.prediction(record(prediction, *SOURCE, key=None))
    assert line.fields["message_id"] == "1234-ABCDE"


def test_a_line_names_rules_but_nothing_that_the_sender_wrote() -> None:
    violations = [
        {"field": "tenure", "code": "out_of_range", "message": "SECRET"},
        {"field": "SECRET", "code": "unknown_field"},
        {"field": None, "code": "malformed_json"},
    ]
    letter = {"error_type": "validation_error", "original_message": "SECRET"}
    line = LINES.dead_letter(
        record({**letter, "validation_errors": violations}, *SOURCE, ("own", b"SECRET"))
    )
    rules = ["tenure: out_of_range", "unknown: unknown_field", "message: malformed_json"]
    assert line.fields["violations"] == rules
    assert "SECRET" not in str(line)


@pytest.mark.parametrize(
    "value", [b"", b"[]", b"\xff", b"[" * 100_000, {"churn_probability": 2}, {"prediction": "Yes"}]
)
def test_an_output_that_breaks_its_contract_is_told_as_a_bug(value: object) -> None:
    line = LINES.prediction(record(value, *SOURCE))
    assert line.fields["event_type"] == "output_validation_failure"
    assert (line.status, line.level) == ("failed", logging.ERROR)
