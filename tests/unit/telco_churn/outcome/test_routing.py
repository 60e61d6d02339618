from __future__ import annotations

import json
from typing import Any

import pytest
from chispa import assert_df_equality
from churn_kind import CHURN
from jsonschema import Draft202012Validator
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from telco_churn.contract.limits import MAX_ENVELOPE_BYTES, envelope_bytes_col
from telco_churn.contract.rules import VIOLATION_SCHEMA
from telco_churn.model.scoring import PROBABILITY
from telco_churn.outcome.routing import Routes, error_type_col, is_good_col, record_cols
from telco_churn.paths import read_schema

ROUTES = Routes("predictions", "dead.letters", "group")
VIOLATIONS = f"violations array<{VIOLATION_SCHEMA.simpleString()}>"
HEADERS = "headers array<struct<key:string,value:binary>>"
BROKEN = [("tenure", "out_of_range", "must be at least 0")]
OUTCOME_SCHEMA = (
    f"key binary, value binary, topic string, partition int, offset bigint, timestamp timestamp, "
    f"{HEADERS}, truncated struct<length:int,sha256:string>, "
    f"event_id string, event_time string, {PROBABILITY} double, {VIOLATIONS}, "
    "started_ns bigint, featured_ns bigint, scored_ns bigint, "
    "scored_ts timestamp"
)
USUAL: dict[str, Any] = {
    "key": b"7590-VHVEG",
    "value": b"{}",
    "topic": "raw",
    "partition": 2,
    "offset": 2**40,
    "timestamp": None,
    "headers": None,
    "truncated": None,
    "event_id": "7590-VHVEG",
    "event_time": "2026-01-02T03:04:05Z",
    PROBABILITY: 0.25,
    "violations": [],
    "started_ns": 1_000_000,
    "featured_ns": 2_000_000,
    "scored_ns": 2_234_567,
    "scored_ts": None,
}
OWN = [("traceparent", b"00-4bf9-01"), ("odd", b"\xff\x00"), ("none", None)]
SCHEMA = [("__value_schema_id", b"\0\0\0\0\7"), ("__key_schema_id", None)]
SOURCE = [
    ("source_topic", b"raw"),
    ("source_partition", b"2"),
    ("source_offset", b"1099511627776"),
    ("source_timestamp", b"1767323045678"),
    ("latency_ms", b"1.235"),
]
REFUSED = {"event_id": None, "violations": BROKEN}


@pytest.fixture(scope="module")
def to_output(spark: SparkSession) -> Any:
    """The records made of outcomes; a row names only what is not usual about it."""

    def convert(rows: list[dict[str, Any]]) -> DataFrame:
        names = list(USUAL)
        filled = [[{**USUAL, **row}[name] for name in names] for row in rows]
        outcomes = spark.createDataFrame(filled, OUTCOME_SCHEMA).coalesce(1)
        instant = "timestamp'2026-01-02T03:04:05.678Z'"
        timed = outcomes.selectExpr(
            *(name for name in names if name not in ("timestamp", "scored_ts")),
            f"{instant} timestamp",
            f"{instant} scored_ts",
        )
        return timed.select(*record_cols(ROUTES, CHURN.prediction, "v1", 0.5))

    return convert


def test_the_error_type_is_that_of_the_first_step_that_refused(spark: SparkSession) -> None:
    schema = f"{VIOLATIONS}, {PROBABILITY} double, error_type string"
    rows = [
        ([], 0.5, None),
        (BROKEN, 0.5, "validation_error"),
        (BROKEN, None, "validation_error"),
        ([], None, "processing_error"),
        ([], float("nan"), "inference_error"),
    ]
    expected = spark.createDataFrame(rows, schema)
    result = expected.drop("error_type").withColumn("error_type", error_type_col())
    # Both mean the same by a good record, whatever else one of them tells.
    assert expected.where(F.coalesce(is_good_col(), F.lit(False))).count() == 1
    assert expected.where(is_good_col() & error_type_col().isNotNull()).count() == 0
    assert_df_equality(result, expected, ignore_nullable=True, allow_nan_equality=True)


def test_only_a_number_from_0_to_1_is_a_probability(spark: SparkSession) -> None:
    cases = [
        (0.0, None),
        (1.0, None),
        (-1e-9, "inference_error"),
        (1.000001, "inference_error"),
        (float("nan"), "inference_error"),
        (float("inf"), "inference_error"),
    ]
    scored = spark.createDataFrame(cases, f"{PROBABILITY} double, expected string")
    judged = scored.withColumn("violations", F.array()).withColumn("error_type", error_type_col())
    result = judged.select("expected", "error_type")
    assert all(row.expected == row.error_type for row in result.collect()), result.collect()


def test_key_topic_and_headers_of_each_record(spark: SparkSession, to_output: Any) -> None:
    # A header's name counts too: the two together are as large as they may be.
    filling = MAX_ENVELOPE_BYTES - len(USUAL["key"]) - len("h")
    rows: list[dict[str, Any]] = [
        {"headers": OWN},
        {"key": None, "headers": []},
        {"headers": [SCHEMA[0], *OWN, SCHEMA[1]]},
        REFUSED | {"headers": SCHEMA},
        REFUSED | {"value": None, "headers": OWN},
        REFUSED | {"headers": [("h", b"x" * filling)]},
        REFUSED | {"headers": [("h", b"x" * (filling + 1))]},
        REFUSED | {"key": b"k" * (MAX_ENVELOPE_BYTES + 1), "headers": OWN},
    ]
    expected = [
        (b"7590-VHVEG", "predictions", OWN + SOURCE),
        (None, "predictions", SOURCE),
        (b"7590-VHVEG", "predictions", OWN + SOURCE),
        (b"7590-VHVEG", "dead.letters", SOURCE),
        (b"7590-VHVEG", "dead.letters", OWN + SOURCE),
        (b"7590-VHVEG", "dead.letters", [("h", b"x" * filling), *SOURCE]),
        (b"7590-VHVEG", "dead.letters", SOURCE),
        (None, "dead.letters", SOURCE),
    ]
    output = to_output(rows)
    assert output.columns == ["key", "value", "topic", "headers"]
    assert_df_equality(
        output.drop("value"),
        spark.createDataFrame(expected, f"key binary, topic string, {HEADERS}"),
        ignore_nullable=True,
    )


def test_a_prediction_follows_its_contract(to_output: Any) -> None:
    probabilities = [0.0, 0.4999999, 0.5, 1e-7, 1.0]
    records = to_output([{PROBABILITY: p} for p in probabilities]).collect()
    predictions = [json.loads(record.value) for record in records]
    schema = read_schema("prediction")
    validator = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    for prediction in predictions:
        validator.validate(prediction)
        assert prediction.pop("processed_ts")
    assert [p.pop("churn_probability") for p in predictions] == probabilities
    assert [p.pop("prediction") for p in predictions] == ["No", "No", "Yes", "No", "Yes"]
    rest = {
        "customerID": "7590-VHVEG",
        "event_ts": "2026-01-02T03:04:05Z",
        "model_version": "v1",
        "inference_latency_ms": 0.234567,
    }
    assert predictions == [rest] * len(probabilities)


def test_a_refused_record_becomes_a_dead_letter_of_its_own_message(to_output: Any) -> None:
    rows = [
        REFUSED | {"value": b"[]"},
        {PROBABILITY: float("nan")},
    ]
    letters = [json.loads(record.value) for record in to_output(rows).collect()]
    schema = read_schema("dead_letter")
    for letter in letters:
        Draft202012Validator(schema).validate(letter)
    assert [letter["error_type"] for letter in letters] == ["validation_error", "inference_error"]
    assert [letter["original_message"] for letter in letters] == ["[]", "{}"]


def test_the_envelope_is_key_and_headers_names_included(spark: SparkSession) -> None:
    rows = [
        (None, None, 0),
        (b"", [], 0),
        (b"abc", None, 3),
        (None, [("a", None), ("b", b"")], 2),
        (b"abc", [("é", b"\xff\xff"), ("long name", b"1")], 17),
    ]
    expected = spark.createDataFrame(rows, f"key binary, {HEADERS}, bytes bigint")
    measured = expected.select("key", "headers").withColumn("bytes", envelope_bytes_col())
    assert_df_equality(measured, expected, ignore_nullable=True)


def test_no_word_of_a_message_becomes_a_topic(to_output: Any) -> None:
    elsewhere = {
        "key": b"elsewhere",
        "headers": [("topic", b"elsewhere"), ("source_topic", b"elsewhere")],
        "value": b'{"topic": "elsewhere"}',
    }
    output = to_output([elsewhere, REFUSED | elsewhere]).select("topic").collect()
    assert [row.topic for row in output] == ["predictions", "dead.letters"]
