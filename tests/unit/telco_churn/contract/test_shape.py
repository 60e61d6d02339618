from __future__ import annotations

import json
from itertools import islice

import pytest
from churn_kind import CHURN
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from churn_tools.customers.synthetic import synthetic_customers
from telco_churn.contract.parser import EventParser
from telco_churn.contract.schema import parse_contract
from telco_churn.contract.shape import in_order_pattern, shape_pattern

SAMPLE = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "word": {"type": "string", "enum": ["a", "a.b", 'say "no"']},
        "time": {"type": "string", "format": "date-time"},
        "text": {"type": "string"},
        "size": {"type": "number"},
        "either": {"oneOf": [{"type": "number"}, {"type": "string"}]},
        "none": {"type": "string", "enum": []},
    },
}
USUAL = [
    "{}",
    ' {\t"word" : "a" ,\r\n"size":-1.5e3}\n',
    '{"word":"a.b"}',
    '{"text":"{, é 🙂","size":0}',
    '{"either":1}',
    '{"either":"1"}',
    '{"time":"2024-02-29T23:59:59.5Z"}',
    '{"time":"2026-12-31T00:00:00+14:00"}',
    '{"size":1,"size":2}',
]
UNUSUAL = [
    "",
    "{",
    "[]",
    '{"}',
    "{} {}",
    '{"word":"a",}',
    '{,"word":"a"}',
    '{"word":"a" "size":1}',
    '{"word":"a",,"size":1}',
    '{"word":"axb"}',
    '{"word":"say \\"no\\""}',
    '{"word":1}',
    '{"word":null}',
    '{"none":""}',
    '{"other":1}',
    '{"text":"\\u0041"}',
    '{"text":"a\nb"}',
    '{"text":"�"}',
    '{"size":01}',
    '{"size":.5}',
    '{"size":NaN}',
    '{"size":"1"}',
    '{"size":1' + "0" * 30 + "}",
    '{"either":true}',
    '{"time":"2026-02-29T00:00:00Z"}',
    '{"time":"2100-02-29T00:00:00Z"}',
    '{"time":"0000-01-01T00:00:00Z"}',
    '{"time":"2026-01-01T24:00:00Z"}',
    '{"time":"2026-01-01t00:00:00z"}',
    '{"time":"2026-01-01"}',
]


def matches(spark: SparkSession, pattern: str, texts: list[str]) -> dict[str, bool]:
    rows = spark.createDataFrame([(text,) for text in texts], "text string").coalesce(1)
    found = rows.select("text", F.col("text").rlike(pattern).alias("is_match")).collect()
    return {row.text: row.is_match for row in found}


def test_the_usual_shape_is_one_flat_object_with_values_of_the_right_kind(
    spark: SparkSession,
) -> None:
    pattern = shape_pattern(parse_contract("sample", SAMPLE))
    expected = dict.fromkeys(USUAL, True) | dict.fromkeys(UNUSUAL, False)
    assert matches(spark, pattern, [*USUAL, *UNUSUAL]) == expected


def test_where_unknown_fields_are_allowed_they_have_plain_values(spark: SparkSession) -> None:
    pattern = shape_pattern(parse_contract("sample", SAMPLE | {"additionalProperties": True}))
    expected = {
        '{"other":1,"more":"x","yes":true,"nothing":null,"word":"a"}': True,
        '{"words":"b"}': True,
        '{"word":"b"}': False,
        '{"other":{}}': False,
    }
    assert matches(spark, pattern, list(expected)) == expected


LIMITED = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "id": {"type": "string", "pattern": "^[A-Z]{2}-[0-9]+$"},
        "open": {"type": "string", "pattern": "^a.*z$"},
        "part": {"type": "string", "pattern": "^a|z$"},
        "time": {"type": "string", "format": "date-time", "pattern": "^[0-9T:-]+Z$"},
        "word": {"type": "string", "enum": ["ab", "cd"], "pattern": "^[a-c]+$"},
        "size": {"type": "number", "minimum": 0, "maximum": 250},
        "count": {"type": "integer", "minimum": -5},
        "flag": {"type": "integer", "minimum": 0, "maximum": 1},
        "high": {"type": "number", "minimum": 10},
        "low": {"type": "number", "maximum": -1},
        "either": {
            "oneOf": [{"type": "string", "pattern": "^[0-9e]+$"}, {"type": "number", "minimum": 0}]
        },
    },
}


@pytest.mark.parametrize(
    ("field", "in_order", "looked_at"),
    [
        ("id", ['"AB-1"'], ['"AB-"', '"AB-1x"', '"ab-1"', '"AB-1\\""', "1"]),
        ("open", [], ['"az"', '"a","id":"z"']),
        ("part", [], ['"a"', '"z"']),
        (
            "time",
            ['"2024-02-29T00:00:00Z"'],
            ['"2023-02-29T00:00:00Z"', '"2024-02-29T00:00:00.1Z"'],
        ),
        ("word", ['"ab"'], ['"cd"', '"abc"', '"a"']),
        ("size", ["0", "99.5", "12"], ["100", "250", "-1", "251", "1e1", "05", '"5"', "5."]),
        ("count", ["0", "7", "12345678901234567890"], ["-1", "1.0", "123456789012345678901", "-6"]),
        ("flag", ["0"], ["1", "2", "0.0", "00", "-0"]),
        ("high", [], ["11", "9"]),
        ("low", [], ["-2", "0"]),
        ("either", ["1.5"], ['"1"', '"1e999"', "-1"]),
    ],
)
def test_fields_with_limits_are_found_in_order_where_the_text_shows_it(
    spark: SparkSession, field: str, in_order: list[str], looked_at: list[str]
) -> None:
    pattern = in_order_pattern(parse_contract("limited", LIMITED))
    texts = [f'{{"{field}":{value}}}' for value in [*in_order, *looked_at]]
    rows = spark.createDataFrame([(text,) for text in texts], "text string")
    found = rows.select("text", F.regexp_extract_all("text", F.lit(pattern), F.lit(1)))
    is_found = {text: field in names for text, names in found.collect()}
    assert is_found == dict(
        zip(texts, [True] * len(in_order) + [False] * len(looked_at), strict=True)
    )


@pytest.mark.parametrize("separators", [(", ", ": "), (",", ":")])
def test_every_usual_event_is_accepted_at_a_glance(
    spark: SparkSession, separators: tuple[str, str]
) -> None:
    customers = islice(synthetic_customers(seed=6), 500)
    messages = [json.dumps(one, separators=separators).encode() for one in customers]
    records = spark.createDataFrame(
        [(None, bytearray(message), None) for message in messages],
        "key binary, value binary, headers array<struct<key:string,value:binary>>",
    )
    parser = EventParser(CHURN.event)
    events = records.withColumn("event", parser.event_col())
    assert events.where(parser.is_accepted_col()).count() == len(messages)
