"""Each keyword that a contract may use is checked, as `jsonschema` checks it."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator
from pyspark.sql import SparkSession

from telco_churn.contract.parser import EventParser
from telco_churn.contract.schema import ANNOTATIONS, FIELD_KEYWORDS, Schema, parse_contract

RECORDS_SCHEMA = "key binary, value binary, headers array<struct<key:string,value:binary>>"

# By keyword: the rules of a field, a value that follows them, one that breaks them, and the code.
SAMPLES: dict[str, tuple[Schema, object, object, str]] = {
    "type": ({"type": "integer"}, 5, 5.5, "wrong_type"),
    "enum": ({"type": "string", "enum": ["Yes", "No"]}, "No", "no", "not_in_enum"),
    "pattern": ({"type": "string", "pattern": "^[a-z]+$"}, "abc", "abc1", "bad_format"),
    "format": (
        {"type": "string", "format": "date-time"},
        "2026-02-28T00:00:00Z",
        "2026-02-30T00:00:00Z",
        "bad_timestamp",
    ),
    "minimum": ({"type": "number", "minimum": 0}, 0, -0.5, "out_of_range"),
    "maximum": ({"type": "number", "maximum": 100}, 100, 100.5, "out_of_range"),
    "oneOf": (
        {"oneOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": "^ *$"}]},
        " ",
        -1,
        "out_of_range",
    ),
}


def referee(rules: Schema) -> Draft202012Validator:
    return Draft202012Validator(rules, format_checker=Draft202012Validator.FORMAT_CHECKER)


def codes(spark: SparkSession, rules: Schema, value: object) -> list[str]:
    """What Spark says of a message whose one field, with these rules, has this value."""
    schema = {"type": "object", "required": ["size"], "properties": {"size": rules}}
    parser = EventParser(parse_contract("sample", schema))
    message = bytearray(json.dumps({"size": value}).encode())
    records = spark.createDataFrame([(None, message, None)], RECORDS_SCHEMA)
    (row,) = records.transform(parser.checked).collect()
    return [violation.code for violation in row.violations]


def test_each_keyword_of_a_field_has_a_sample() -> None:
    missing = FIELD_KEYWORDS - ANNOTATIONS - SAMPLES.keys()
    assert missing == set(), "add a sample of each to SAMPLES"


@pytest.mark.parametrize("keyword", SAMPLES)
def test_a_value_that_follows_the_rule_is_accepted(spark: SparkSession, keyword: str) -> None:
    rules, good, _, _ = SAMPLES[keyword]
    assert referee(rules).is_valid(good)
    assert codes(spark, rules, good) == []


@pytest.mark.parametrize("keyword", SAMPLES)
def test_a_value_that_breaks_the_rule_is_refused_by_its_code(
    spark: SparkSession, keyword: str
) -> None:
    rules, _, bad, code = SAMPLES[keyword]
    assert not referee(rules).is_valid(bad)
    assert codes(spark, rules, bad) == [code], f"rules.py does not check {keyword}"
