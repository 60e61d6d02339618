from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import pytest
from chispa import assert_df_equality
from jsonschema import Draft202012Validator
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from telco_churn.contract.rules import VIOLATION_SCHEMA
from telco_churn.outcome.dead_letters import (
    KEPT_BYTES,
    KEPT_CHARACTERS,
    MAX_REASON_CHARS,
    MAX_TEXT_BYTES,
    bounded_value_cols,
    dead_letter_col,
)
from telco_churn.paths import read_schema

HEADERS = "headers array<struct<key:string,value:binary>>"
TRUNCATED = "truncated struct<length:int,sha256:string>"
REFUSED_SCHEMA = (
    f"value binary, {TRUNCATED}, {HEADERS}, topic string, error_type string, "
    f"violations {'array<' + VIOLATION_SCHEMA.simpleString() + '>'}"
)
Header = tuple[str, bytes | None]


def _framed(length: int) -> bytes:
    return b"\0\0\0\0\7".ljust(length, b"a")


# Messages that are too large, or nearly, and how much of each is kept.
_PLAIN = MAX_TEXT_BYTES - len('{"t":""}')
_BINARY = MAX_TEXT_BYTES * 3 // 4
SIZES = {
    "text that just fits": (b"a" * _PLAIN, _PLAIN),
    "text of a byte more": (b"a" * (_PLAIN + 1), KEPT_CHARACTERS),
    "two bytes a character": ("é".encode() * 400_001, 2 * KEPT_CHARACTERS),
    "six bytes a character in JSON": (b"\x01" * 140_000, KEPT_CHARACTERS),
    "bytes that just fit": (b"\xff" * _BINARY, _BINARY),
    "a byte more": (b"\xff" * (_BINARY + 1), KEPT_BYTES),
    "text behind a schema's id that just fits as bytes": (_framed(_BINARY), _BINARY),
    "a byte more behind a schema's id": (_framed(_BINARY + 1), KEPT_BYTES),
}
BROKER_LIMIT = 1_048_588
"""Kafka's default for message.max.bytes."""


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    schema = read_schema("dead_letter")
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


def refused(spark: SparkSession, rows: list[dict[str, Any]]) -> DataFrame:
    """Refused records, in one partition; a row names only what is not usual about it."""
    usual: dict[str, Any] = {
        "value": b"{}",
        "truncated": None,
        "headers": None,
        "topic": "raw",
        "error_type": "validation_error",
        "violations": [],
    }
    names = list(usual)
    filled = [[{**usual, **row}[name] for name in names] for row in rows]
    return spark.createDataFrame(filled, REFUSED_SCHEMA).coalesce(1)


def letter_col() -> Column:
    return dead_letter_col("group", F.col("error_type"))


def letters(records: DataFrame) -> list[dict[str, Any]]:
    rows = records.select(letter_col().alias("letter")).collect()
    return [json.loads(row.letter) for row in rows]


def test_only_messages_that_are_too_large_to_wrap_are_shortened(spark: SparkSession) -> None:
    # Compared by length and digest: on a difference nobody wants to read the messages.
    values = [value for value, _ in SIZES.values()]
    records = spark.createDataFrame([(bytearray(value),) for value in values], "value binary")
    measured = (
        records.coalesce(1)
        .select(*bounded_value_cols())
        .select(
            F.octet_length("value").alias("kept"), F.sha2("value", 256).alias("digest"), "truncated"
        )
    )
    expected = [
        (
            kept,
            hashlib.sha256(value[:kept]).hexdigest(),
            None if kept == len(value) else (len(value), hashlib.sha256(value).hexdigest()),
        )
        for value, kept in SIZES.values()
    ]
    schema = f"kept int, digest string, {TRUNCATED}"
    assert_df_equality(measured, spark.createDataFrame(expected, schema), ignore_nullable=True)


def test_small_messages_stay_as_they_are(spark: SparkSession) -> None:
    rows = [(value, None) for value in (None, b"", b"{}", b"\xff\x00", "é".encode())]
    expected = spark.createDataFrame(rows, f"value binary, {TRUNCATED}")
    bounded = expected.select("value").select(*bounded_value_cols())
    assert_df_equality(bounded, expected, ignore_nullable=True)


def test_no_message_makes_a_dead_letter_that_the_broker_refuses(
    spark: SparkSession, validator: Draft202012Validator
) -> None:
    worst_violations = [("\x01" * 100, "unknown_field", "is not part of the contract")] * 50
    worst = [value for value, _ in SIZES.values()]
    # Not UTF-8 as a whole, but its beginning is, and takes six bytes of each in JSON.
    worst.append(b"\x01" * 900_000 + b"\xff")
    rows = [{"value": bytearray(value), "violations": worst_violations} for value in worst]
    whole = refused(spark, rows).drop("truncated")
    others = [name for name in whole.columns if name != "value"]
    records = whole.select(*others, *bounded_value_cols())
    for letter in records.select(letter_col()).collect():
        assert len(letter[0].encode()) + 2 * 65_536 < BROKER_LIMIT
        validator.validate(json.loads(letter[0]))


def test_a_dead_letter_holds_the_message_and_follows_its_contract(
    spark: SparkSession, validator: Draft202012Validator
) -> None:
    odd = '{"a": "\\u0000\t\N{LINE SEPARATOR}"} ü'
    digest = "0" * 64
    rows: list[dict[str, Any]] = [
        {"value": bytearray(odd.encode())},
        {"value": None},
        {"value": bytearray(b"\xff" * 100)},
        {"value": bytearray(b"\0\0\0\0\7{}")},
        {"value": bytearray(b"\0\0{}")},
        {"value": bytearray(b"begin"), "truncated": (900_001, digest)},
        {"value": bytearray(b"\xfe"), "truncated": (900_001, digest)},
    ]
    whole = {"length": 900_001, "sha256": digest}
    expected: list[dict[str, Any]] = [
        {"original_message": odd},
        {"original_message": None},
        {"original_message": None, "original_base64": base64.b64encode(b"\xff" * 100).decode()},
        # With a schema's id before it, text is kept as bytes.
        {"original_message": None, "original_base64": "AAAAAAd7fQ=="},
        {"original_message": "\0\0{}"},
        {"original_message": "begin", "original_truncated": whole},
        {"original_message": None, "original_base64": "/g==", "original_truncated": whole},
    ]
    found = letters(refused(spark, rows))
    for letter in found:
        validator.validate(letter)
        assert (letter["source_topic"], letter["consumer_group"]) == ("raw", "group")
        assert letter["failed_ts"].endswith("Z")
    originals = [{k: v for k, v in f.items() if k.startswith("original_")} for f in found]
    assert originals == expected


def test_the_reasons_are_in_the_letter_and_in_one_sentence(
    spark: SparkSession, validator: Draft202012Validator
) -> None:
    broken = [
        ("tenure", "out_of_range", "must be at least 0"),
        (None, "trailing_data", "must be exactly one JSON document"),
    ]
    rows: list[dict[str, Any]] = [
        {"violations": broken},
        {"error_type": "processing_error"},
        {"error_type": "inference_error"},
        {"error_type": "unknown_error"},
        {"violations": [("f" * 100, "unknown_field", "is not part of the contract")] * 50},
    ]
    listed, processing, inference, unknown, long = letters(refused(spark, rows))
    for letter in (listed, processing, inference, unknown, long):
        validator.validate(letter)
    names = ("field", "code", "message")
    assert listed["validation_errors"] == [dict(zip(names, v, strict=True)) for v in broken]
    assert listed["error_message"] == (
        "tenure must be at least 0; message must be exactly one JSON document"
    )
    assert [x["error_message"] for x in (processing, inference, unknown)] == [
        "the features cannot be computed",
        "the model gives no probability",
        "unknown error",
    ]
    assert unknown["validation_errors"] == []
    assert len(long["error_message"]) == MAX_REASON_CHARS
    assert len(long["validation_errors"]) == 50


RETRIES: dict[str, tuple[list[Header] | None, int]] = {
    "no headers": (None, 0),
    "an empty list": ([], 0),
    "other headers only": ([("retries", b"7")], 0),
    "a count": ([("retry_count", b"2")], 2),
    "the last of several": ([("retry_count", b"1"), ("x", b"9"), ("retry_count", b"3")], 3),
    "garbage after a count": ([("retry_count", b"1"), ("retry_count", b"many")], 0),
    "null": ([("retry_count", None)], 0),
    "empty": ([("retry_count", b"")], 0),
    "not UTF-8": ([("retry_count", b"\xff")], 0),
    "negative": ([("retry_count", b"-4")], 0),
    "more than an INT holds": ([("retry_count", b"99999999999")], 0),
    "no whole number": ([("retry_count", b"1e3")], 0),
}


def test_the_retry_count_is_the_one_in_the_header_or_0(spark: SparkSession) -> None:
    rows = [{"headers": headers} for headers, _ in RETRIES.values()]
    counts = [letter["retry_count"] for letter in letters(refused(spark, rows))]
    expected = {case: count for case, (_, count) in RETRIES.items()}
    assert dict(zip(RETRIES, counts, strict=True)) == expected
