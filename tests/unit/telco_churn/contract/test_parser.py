from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from churn_kind import CHURN
from pyspark.sql import Row, SparkSession

from churn_tools.customers.synthetic import synthetic_customers
from telco_churn.contract.limits import MAX_ENVELOPE_BYTES, MAX_EVENT_BYTES, MAX_NESTED
from telco_churn.contract.parser import EventParser
from telco_churn.contract.schema import parse_contract

Header = tuple[str, bytes | None]
Record = tuple[bytes | None, bytes | None, Sequence[Header] | None]
Codes = list[tuple[str | None, str]]

RECORDS_SCHEMA = "key binary, value binary, headers array<struct<key:string,value:binary>>"
CUSTOMER: dict[str, Any] = dict(next(synthetic_customers(1)))
VALID = json.dumps(CUSTOMER).encode()
FULL = MAX_ENVELOPE_BYTES - len("name")
SPACE = b" " * (MAX_EVENT_BYTES - len(VALID))


def nested(levels: int) -> bytes:
    return b"[" * levels + b"]" * levels


def with_field(name: str, value: str) -> bytes:
    return VALID[:-1] + f',"{name}":{value}}}'.encode()


CASES: dict[str, tuple[Record, Codes]] = {
    "valid": ((None, VALID, None), []),
    "valid amid white space": ((b"k", b" \n" + VALID + b"\t\r\n", []), []),
    "valid, keys and headers full": ((None, VALID, [("name", b"\xff" * FULL)]), []),
    "valid, with a header that is null": ((None, VALID, [("name", None)]), []),
    "valid, as large as may be": ((None, VALID + SPACE, None), []),
    "a byte more of the message": ((None, VALID + SPACE + b" ", None), [(None, "too_large")]),
    "a byte more in the header": (
        (None, VALID, [("name", b"\xff" * (FULL + 1))]),
        [(None, "too_large")],
    ),
    "a byte more in the header's name": (
        (None, VALID, [("names", b"\xff" * FULL)]),
        [(None, "too_large")],
    ),
    "a byte more in the second header": (
        (None, VALID, [("name", b"x" * (FULL - 1)), ("a", b"b")]),
        [(None, "too_large")],
    ),
    "a byte more in the key": ((b"k", VALID, [("name", b"x" * FULL)]), [(None, "too_large")]),
    "too large and not UTF-8": ((None, b"\xff" * 70_000, None), [(None, "too_large")]),
    "not UTF-8": ((None, VALID + b"\xff", None), [(None, "invalid_utf8")]),
    "null": ((b"k", None, None), [(None, "null_value")]),
    "empty": ((b"k", b"", None), [(None, "empty_value")]),
    "blank": ((b"k", b"  ", None), [(None, "empty_value")]),
    "cut off": ((None, VALID[:-1], None), [(None, "malformed_json")]),
    "two events": ((None, VALID + VALID, None), [(None, "trailing_data")]),
    "two events with a comma": ((None, VALID + b"," + VALID, None), [(None, "trailing_data")]),
    "an end too many": ((None, VALID + b"]", None), [(None, "trailing_data")]),
    "an array of one": ((None, b"[" + VALID + b"]", None), [(None, "not_an_object")]),
    "a mark of its own": (
        (None, VALID + b',{"_end_of_message":"0123456789abcdef"}', None),
        [(None, "trailing_data")],
    ),
    "a mark of its own, and an end": (
        (None, VALID + b',{"_end_of_message":"0123456789abcdef"}]', None),
        [(None, "trailing_data")],
    ),
    "the mark's name as a field": (
        (None, with_field("_end_of_message", '"x"'), None),
        [("_end_of_message", "unknown_field")],
    ),
    "as deep as may be": ((None, nested(MAX_NESTED), None), [(None, "not_an_object")]),
    "a level more": ((None, nested(MAX_NESTED + 1), None), [(None, "too_deep")]),
    "as deep as the message is long": (
        (None, nested(MAX_EVENT_BYTES // 2), None),
        [(None, "too_deep")],
    ),
    "deep in a field": (
        (None, with_field("Churn", nested(MAX_NESTED).decode()), None),
        [(None, "too_deep")],
    ),
    "an object in a field": (
        (None, with_field("Churn", '{"a":[]}'), None),
        [("Churn", "wrong_type"), ("Churn", "not_in_enum")],
    ),
}


def parsed(spark: SparkSession, parser: EventParser, records: Sequence[Record]) -> list[Row]:
    rows = [(*map(_mutable, record[:2]), record[2]) for record in records]
    frame = spark.createDataFrame(rows, RECORDS_SCHEMA).coalesce(1)
    return frame.transform(parser.checked).collect()


def _mutable(value: bytes | None) -> bytearray | None:
    return None if value is None else bytearray(value)


def codes(row: Row) -> Codes:
    return [(violation.field, violation.code) for violation in row.violations]


@pytest.fixture(scope="module")
def rows(spark: SparkSession) -> Mapping[str, Row]:
    parser = EventParser(CHURN.event)
    found = parsed(spark, parser, [record for record, _ in CASES.values()])
    return dict(zip(CASES, found, strict=True))


@pytest.mark.parametrize("case", CASES)
def test_a_record_has_these_violations_and_no_other(rows: Mapping[str, Row], case: str) -> None:
    assert codes(rows[case]) == CASES[case][1]


@pytest.mark.parametrize("case", CASES)
def test_what_comes_in_stays(rows: Mapping[str, Row], case: str) -> None:
    (key, value, headers), _ = CASES[case]
    row = rows[case]
    assert row.__fields__ == ["key", "value", "headers", "event", "violations"]
    assert (row.key, row.value) == (key, value)
    assert row.headers == (None if headers is None else list(headers))


def test_a_valid_event_is_read_field_by_field(rows: Mapping[str, Row]) -> None:
    read = rows["valid"].event.asDict()
    for name, value in CUSTOMER.items():
        is_number = isinstance(value, int | float) and name != "TotalCharges"
        assert read[name] == (float(value) if is_number else str(value)), name


def test_an_end_mark_can_only_be_forged_by_who_knows_it(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Where unknown fields are allowed, nothing but the mark betrays what follows the event.
    contract = parse_contract(
        "sample", {"type": "object", "properties": {"a": {"type": "integer"}}}
    )
    monkeypatch.setattr("secrets.token_hex", lambda size: "f" * 2 * size)
    guessable = EventParser(contract)
    monkeypatch.undo()
    marks = ("f" * 16, "", "F" * 16, "f" * 15)
    forged: list[Record] = [(None, f'{{"a":1}},"{mark}"] rubbish'.encode(), None) for mark in marks]
    assert [bool(codes(row)) for row in parsed(spark, guessable, forged)] == [False, *[True] * 3]
    assert all(codes(row) for row in parsed(spark, EventParser(contract), forged))
