"""What a record of the dead letters' topic tells of the event that it holds."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from confluent_kafka import Message
from dead_letter_records import SOURCE_HEADERS, dead_letter

from churn_tools.producer.contract_validator import ContractValidator
from churn_tools.replay.letter import DeadLetter, letter_of
from telco_churn.paths import read_schema


def read(record: Message) -> DeadLetter:
    letter = letter_of(record)
    assert letter is not None
    return letter


def test_the_records_here_are_such_as_the_contract_of_dead_letters_asks_for() -> None:
    referee = ContractValidator(read_schema("dead_letter"))
    for record in (dead_letter(b"{}", ("tenure", "missing_field")), dead_letter(b"\xff")):
        assert referee.violations(json.loads(record.value() or b"")) == []


def test_the_event_is_what_it_was() -> None:
    own: list[tuple[str, bytes | None]] = [
        ("traceparent", b"00-ab"),
        ("odd", b"\xff"),
        ("none", None),
        ("source_topic", b"x"),
    ]
    letter = read(dead_letter(b'{"tenure": 900}', ("tenure", "out_of_range"), own=own))
    assert (letter.key, letter.value, letter.headers) == (b"key", b'{"tenure": 900}', own)
    assert letter.source == ("raw", 2, 77)
    assert letter.address == ("dead", 0, 5)
    assert letter.violations == (("tenure", "out_of_range"),)
    assert letter.failed == datetime(2026, 11, 28, 4, tzinfo=UTC)
    assert letter.incomplete == ""


@pytest.mark.parametrize("value", [None, b"", b"caf\xc3\xa9", b"\xff\xfe", b"\0\0\0\0\7{}"])
def test_every_byte_of_a_message_comes_back(value: bytes | None) -> None:
    assert read(dead_letter(value)).value == value


def test_the_count_of_tries_is_one_more_in_the_place_of_the_old_one() -> None:
    own = [("retry_count", b"1"), ("a", b"b"), ("retry_count", b"2")]
    letter = read(dead_letter(b"{}", own=own, retry_count=2))
    assert letter.headers_to_send == [("a", b"b"), ("retry_count", b"3")]


@pytest.mark.parametrize(
    ("record", "why"),
    [
        (dead_letter(b"{}", original_truncated={"length": 9, "sha256": "0" * 64}), "cut"),
        (dead_letter(b"{}", (None, "too_large")), "too large"),
        (dead_letter(b"{}", (None, "unknown_schema_id")), "header"),
        (dead_letter(b"\0\0\0\0\7{}", (None, "unknown_schema_id")), ""),
    ],
)
def test_a_letter_that_lacks_something_of_its_event_says_what(record: Message, why: str) -> None:
    incomplete = read(record).incomplete
    assert why in incomplete
    assert bool(why) == bool(incomplete)


@pytest.mark.parametrize(
    "record",
    [
        Message(topic="dead", value=b'{"a":1}', headers=[]),
        Message(topic="dead", value=b"no json", headers=SOURCE_HEADERS),
        Message(topic="dead", value=None, headers=SOURCE_HEADERS),
        dead_letter(b"{}", retry_count=None),
        dead_letter(b"{}", failed_ts="yesterday"),
        dead_letter(b"{}", validation_errors=None),
        dead_letter(b"{}", original_base64="%"),
    ],
)
def test_what_is_no_dead_letter_of_the_job_is_none(record: Message) -> None:
    assert letter_of(record) is None
