from __future__ import annotations

import base64
import json
import logging
import re
from pathlib import Path

import pytest
from confluent_kafka import KafkaError, Message

from stream_telemetry.batch.history import BatchHistory
from stream_telemetry.broker.read import RecordAddress
from stream_telemetry.logs.backlog import Backlog, RecordLine
from stream_telemetry.logs.clients import NoRepeats, log_client_error
from stream_telemetry.logs.query import QueryLog
from stream_telemetry.logs.rate_limit import RateLimit
from telco_churn.errors import SettingsError
from telco_churn.outcome.log_lines import RecordLines
from telco_churn.outcome.message_ids import MAX_CHARS, make_message_id
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
    customer_id=re.compile(r"^[0-9]{4}-[A-Z]{5}\Z"),
)


def test_an_allowance_fills_up_to_a_second_and_no_further() -> None:
    now = [0.0]
    allowance = RateLimit(10, lambda: now[0])
    assert [allowance.take() for _ in range(12)] == [True] * 10 + [False] * 2
    now[0] = 0.25
    assert [allowance.take() for _ in range(4)] == [True, True, False, False]
    now[0] = 100.0
    assert sum(allowance.take() for _ in range(30)) == 10


def test_a_backlog_drops_successes_before_failures_and_counts_both() -> None:
    backlog = Backlog(3)
    for number, status in enumerate(["success", "success", "failed", "failed", "success"]):
        if backlog.has_room(status):
            backlog.add(RecordLine(status, logging.INFO, str(number)))
    assert [backlog.pop().message for _ in range(3)] == ["2", "3", "1"]
    assert backlog.take_dropped() == {"success": 2, "failed": 0}
    backlog.add(RecordLine("failed", logging.WARNING, "left"))
    backlog.drop_all()
    assert (backlog.first(), len(backlog)) == (None, 0)
    assert backlog.take_dropped() == {"success": 0, "failed": 1}


def test_a_backlog_of_failures_only_refuses_the_next_one() -> None:
    backlog = Backlog(1)
    assert backlog.has_room("failed")
    backlog.add(RecordLine("failed", logging.WARNING, "first"))
    assert not backlog.has_room("failed")
    assert backlog.dropped == {"success": 0, "failed": 1}


def test_history_names_the_batch_once_it_is_complete() -> None:
    history = BatchHistory()
    assert history.find(RecordAddress("raw", 0, 5)) is None
    history.add(7, {("raw", 0): 10, ("raw", 1): 3})
    history.add(8, {("raw", 0): 12, ("raw", 1): 3})
    places = [("raw", 0, 9), ("raw", 0, 10), ("raw", 0, 12), ("raw", 1, 2), ("raw", 2, 0)]
    assert [history.find(RecordAddress(*place)) for place in places] == [7, 8, None, 7, None]


def test_a_record_older_than_the_kept_batches_is_in_none_of_them() -> None:
    history = BatchHistory()
    for number in range(201):
        history.add(number, {("raw", 0): 10 * (number + 1)})
    places = [9, 10, 19, 20, 2009, 2010]
    found = [history.find(RecordAddress("raw", 0, offset)) for offset in places]
    # Batch 0 held the first ten; it is forgotten, and batch 1 is the oldest that is known.
    assert found == [None, 1, 1, 2, 200, None]


def test_a_client_says_a_thing_once_a_minute_whatever_its_numbers() -> None:
    now = [0.0]
    news = NoRepeats(lambda: now[0])

    def hears(text: str) -> bool:
        return news.filter(logging.makeLogRecord({"msg": text}))

    said = [hears(text) for text in ("127.0.0.1:9092 is down", "127.0.0.1:9093 is down", "up")]
    assert said == [True, False, True]
    now[0] = 61.0
    assert hears("127.0.0.1:1 is down")


def test_errors_of_clients_are_warnings_with_their_kind(caplog: pytest.LogCaptureFixture) -> None:
    log_client_error(KafkaError(KafkaError._ALL_BROKERS_DOWN))
    (line,) = caplog.records
    assert (line.levelname, line.__dict__["error_type"]) == ("WARNING", "kafka_error")
    assert "tries again" in line.getMessage()


def test_health_is_told_when_it_changes_but_not_each_pause(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    log = QueryLog("ours", "churn")
    log.started("run-1")
    states = ["running", "idle", "running", "stalled", "stalled", "idle", "stopping"]
    for state in states:
        log.health(state, {"query_progress": "pass"})
    lines = [line for line in caplog.records if "health" in line.getMessage()]
    assert [line.__dict__["state"] for line in lines] == ["running", "stalled", "idle", "stopping"]
    assert [line.levelname for line in lines] == ["INFO", "WARNING", "INFO", "INFO"]
    assert {(line.__dict__["query"], line.__dict__["run_id"]) for line in lines} == {
        ("churn", "run-1")
    }


def test_a_failed_run_is_one_line_and_the_next_is_said_to_be_another(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    log = QueryLog("ours", "churn")
    log.started("run-1")
    log.ended("broker gone\n  at stack.trace")
    log.started("run-2")
    log.ended(None)
    assert [line.getMessage() for line in caplog.records] == [
        "query churn started",
        "query churn failed: broker gone",
        "query churn started again",
        "query churn ended",
    ]


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


def test_a_message_id_is_the_key_a_keyed_hash_or_absent(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("0123456789abcdef\n")
    keyed = MessageIdSettings(log_message_id="hashed", log_key_file=secret)
    hashed = make_message_id(keyed)
    assert hashed(b"7590-VHVEG") == hashed(b"7590-VHVEG") != hashed(b"7590-VHVEH")
    assert len(str(hashed(b"x"))) == 32
    secret.write_text("another secret, long")
    assert make_message_id(MessageIdSettings(log_message_id="hashed", log_key_file=secret))(
        b"x"
    ) != hashed(b"x")
    plain = make_message_id(MessageIdSettings())
    assert plain(b"a\xff\n") == "a\\xff\n"
    assert len(str(plain(b"x" * 9000))) == MAX_CHARS
    assert make_message_id(MessageIdSettings(log_message_id="off"))(b"7590-VHVEG") is None
    assert [make(None) for make in (plain, hashed)] == [None, None]


def test_a_hash_without_a_proper_secret_is_refused_in_one_line(tmp_path: Path) -> None:
    short = tmp_path / "secret"
    short.write_text("abc")
    for key_file, said in [
        (None, "--log-key-file"),
        (tmp_path / "absent", "cannot be read"),
        (short, "holds 3 bytes"),
    ]:
        with pytest.raises(SettingsError, match=said):
            make_message_id(MessageIdSettings(log_message_id="hashed", log_key_file=key_file))
