"""Messages of a Schema Registry, as confluent-kafka's own serializer writes them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any

import pytest
from churn_kind import CHURN
from pyspark.sql import Row, SparkSession
from registry_messages import Header, serialized

from churn_tools.customers.synthetic import synthetic_customers
from telco_churn.contract.limits import MAX_NESTED
from telco_churn.contract.parser import EventParser
from telco_churn.contract.settings import SchemaIds, parse_schema_ids

Message = tuple[bytes | None, list[Header] | None]
Codes = list[tuple[str | None, str]]

CUSTOMER: dict[str, Any] = dict(next(synthetic_customers(1)))

SCHEMA = "key binary, value binary, headers array<struct<key:string,value:binary>>"
NOT_AN_OBJECT: Codes = [(None, "framed_non_object")]
UNKNOWN: Codes = [(None, "unknown_schema_id")]


FRAMED, IN_HEADER = serialized(CUSTOMER, in_header=False), serialized(CUSTOMER, in_header=True)
PLAIN = IN_HEADER[0]
NUMBER = int.from_bytes(FRAMED[0][1:5])
GUID = uuid.UUID(bytes=(IN_HEADER[1][0][1] or b"")[1:])
FRAME = b"\0" + NUMBER.to_bytes(4)

CASES: dict[str, tuple[Message, Codes]] = {
    "plain": ((PLAIN, None), []),
    "framed": (FRAMED, []),
    "id in a header": (IN_HEADER, []),
    "framed, with odd white space": ((FRAME + b" \n" + PLAIN + b"\t", None), []),
    "framed, a rule broken": (
        serialized({**CUSTOMER, "tenure": 100.5}, in_header=False),
        [("tenure", "wrong_type"), ("tenure", "out_of_range")],
    ),
    "framed, a field too many": (
        (FRAME + PLAIN[:-1] + b',"x":1}', None),
        [("x", "unknown_field")],
    ),
    "framed Avro": ((FRAME + b"\x147590-VHVEG\x0cFemale\x00\xff", None), NOT_AN_OBJECT),
    "framed Protobuf": ((FRAME + b"\x00\x0a\x0a7590-VHVEG\x12\x06Female", None), NOT_AN_OBJECT),
    "a frame around nothing": ((FRAME, None), NOT_AN_OBJECT),
    "a frame around blanks": ((FRAME + b"  ", None), NOT_AN_OBJECT),
    "a frame around an array": ((FRAME + b"[" + PLAIN + b"]", None), NOT_AN_OBJECT),
    "a frame around null": ((FRAME + b"null", None), NOT_AN_OBJECT),
    "a frame around two objects": ((FRAME + PLAIN + PLAIN, None), NOT_AN_OBJECT),
    "a frame around half an object": ((FRAME + PLAIN[:-1], None), NOT_AN_OBJECT),
    "a frame around a frame": ((FRAME + FRAME + PLAIN, None), NOT_AN_OBJECT),
    "framed and too deep": ((FRAME + b"[" * (MAX_NESTED + 1), None), [(None, "too_deep")]),
    "shorter than a frame": ((b"\0\0\0\1", None), [(None, "malformed_json")]),
    "not UTF-8 and no frame": ((b"\1\0\0\0\xff", None), [(None, "invalid_utf8")]),
    "no value, with an id in a header": ((None, IN_HEADER[1]), [(None, "null_value")]),
}
LISTED: dict[str, tuple[Message, str, Codes]] = {
    "its number": (FRAMED, f"7,{NUMBER}", []),
    "another number": (FRAMED, "7", UNKNOWN),
    "its GUID": (IN_HEADER, str(GUID), []),
    "another GUID": (IN_HEADER, f"{NUMBER},{uuid.UUID(int=7)}", UNKNOWN),
    "no id": ((PLAIN, [("other", b"x")]), "7", []),
    "a number in a header": ((PLAIN, [("__value_schema_id", b"\0\0\0\0\7")]), "7", []),
    "the last of two headers": (
        (PLAIN, [("__value_schema_id", b"\0\0\0\0\7"), ("__value_schema_id", b"\0\0\0\0\x08")]),
        "7",
        UNKNOWN,
    ),
    "a key's schema": ((PLAIN, [("__key_schema_id", b"\0\0\0\0\x08")]), "7", []),
    "a header without a value": ((PLAIN, [("__value_schema_id", None)]), "7", []),
    "Avro of another schema": ((b"\0\0\0\0\x08\xff", None), "7", UNKNOWN),
}


def checked(spark: SparkSession, messages: list[Message], ids: SchemaIds) -> list[Row]:
    rows = [(None, value and bytearray(value), headers) for value, headers in messages]
    parser = EventParser(CHURN.event, ids)
    records = spark.createDataFrame(rows, SCHEMA).coalesce(1)
    return records.transform(parser.checked).collect()


def codes(row: Row) -> Codes:
    return [(violation.field, violation.code) for violation in row.violations]


@pytest.fixture(scope="module")
def rows(spark: SparkSession) -> Mapping[str, Row]:
    found = checked(spark, [message for message, _ in CASES.values()], SchemaIds())
    return dict(zip(CASES, found, strict=True))


def test_the_serializer_writes_both_styles() -> None:
    assert json.loads(PLAIN) == CUSTOMER
    assert FRAMED == (FRAME + PLAIN, [])
    assert (PLAIN, [("__value_schema_id", b"\1" + GUID.bytes)]) == IN_HEADER


@pytest.mark.parametrize("case", CASES)
def test_a_framed_message_has_these_violations_and_no_other(
    rows: Mapping[str, Row], case: str
) -> None:
    assert codes(rows[case]) == CASES[case][1]


@pytest.mark.parametrize("case", ["framed", "id in a header"])
def test_an_event_is_the_same_with_and_without_an_id(rows: Mapping[str, Row], case: str) -> None:
    assert rows[case].event == rows["plain"].event
    assert rows[case].value == CASES[case][0][0]


@pytest.mark.parametrize("case", LISTED)
def test_only_the_listed_schemas_are_read(spark: SparkSession, case: str) -> None:
    message, ids, expected = LISTED[case]
    (row,) = checked(spark, [message], parse_schema_ids(ids))
    assert codes(row) == expected


@pytest.mark.parametrize("text", ["any", "7", "0,2147483647", f"7,{uuid.UUID(int=7)}"])
def test_ids_are_shown_as_they_are_written(text: str) -> None:
    assert str(parse_schema_ids(text)) == text


@pytest.mark.parametrize("text", ["", "7,", "-1", "2147483648", "seven", "1.0", "any,7", "٧"])
def test_what_is_no_list_of_ids_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a list of schema ids"):
        parse_schema_ids(text)
