"""The rules that Spark runs and the `jsonschema` library must agree on every message."""

from __future__ import annotations

import re
from itertools import islice

import pytest
from churn_kind import CHURN
from mutations import messages
from pyspark.sql import Row, SparkSession

from churn_tools.producer.contract_validator import ContractValidator
from telco_churn.contract.limits import MAX_NESTED
from telco_churn.contract.parser import EventParser
from telco_churn.contract.violations import MAX_NAME_CHARS, MAX_UNKNOWN_FIELDS
from telco_churn.paths import read_schema
from telco_churn.query.source_and_sink import INTERPRETED

MESSAGES = 24_000
RECORDS_SCHEMA = "key binary, value binary, headers array<struct<key:string,value:binary>>"
CODE_OF_KEYWORD = {
    "type": "wrong_type",
    "enum": "not_in_enum",
    "pattern": "bad_format",
    "format": "bad_timestamp",
    "minimum": "out_of_range",
    "maximum": "out_of_range",
    "required": "missing_field",
    "additionalProperties": "unknown_field",
    "oneOf": "oneOf",
}
WHOLE = {
    *("null_value", "empty_value", "invalid_utf8", "framed_non_object"),
    *("malformed_json", "trailing_data", "too_deep"),
}
Found = frozenset[tuple[str | None, str]]


def spark_verdict(row: Row, choices: set[str]) -> Found:
    def code_of(violation: Row) -> str:
        is_choice = violation.field in choices and violation.code != "missing_field"
        # To the referee, infinity is no number.
        code = "wrong_type" if violation.code == "non_finite" else str(violation.code)
        return "oneOf" if is_choice else code

    return frozenset((v.field, code_of(v)) for v in row.violations)


def referee_verdict(referee: ContractValidator, message: bytes | None) -> Found:
    """The referee's violations in our words."""
    try:
        event = referee.parse(message)
    except ValueError:
        return frozenset({(None, "not JSON")})
    if not isinstance(event, dict):
        return frozenset({(None, "not_an_object")})
    found = {(field, CODE_OF_KEYWORD[keyword]) for field, keyword in referee.violations(event)}
    required = referee.contract["required"]
    # A reader of rows cannot miss a field more than by finding null in it: one violation for both.
    absent = {field for field in required if event.get(field) is None}
    unknown = {f for f, code in found if code == "unknown_field" and f is not None}
    named = {(field[:MAX_NAME_CHARS], "unknown_field") for field in unknown}
    return frozenset(
        {(f, c) for f, c in found if f not in absent and c != "unknown_field"}
        | {(f, "missing_field") for f in absent}
        | named
    )


# Every message on which the two may differ, and why that is right.
ACCEPTED_DIFFERENCES = {
    "too deep": (
        "more than 64 objects and arrays are refused before Spark's VARIANT functions, which call "
        "themselves for each level, see them; no valid event has more than one"
    ),
    "text of a number that overflows": (
        "a schema has no word for finite; a TotalCharges of infinity would score as nonsense"
    ),
    "number of a thousand digits": (
        "Spark's parser calls it malformed JSON, a guard against costly input; no field allows it"
    ),
    "line feed after a time": (
        "rfc3339-validator lets it pass, and only the pattern catches it; here both rules do"
    ),
    "null for an optional field": "jsonschema also says that null is none of the enum's values",
}


def is_accepted_difference(message: bytes | None, ours: Found, theirs: Found) -> str | None:
    text = (message or b"").decode("utf-8", "replace")
    if ours == {(None, "too_deep")} and text.count("{") + text.count("[") > MAX_NESTED:
        return "too deep"
    if ours - theirs == {("TotalCharges", "oneOf")} and '"1e400"' in text:
        return "text of a number that overflows"
    if ours == {(None, "malformed_json")} and re.search("[0-9]{1000}", text):
        return "number of a thousand digits"
    if ours - theirs == {("event_ts", "bad_timestamp")} and 'Z\\n"' in text:
        return "line feed after a time"
    if theirs - ours == {("Churn", "not_in_enum")} and ("Churn", "wrong_type") in ours:
        return "null for an optional field"
    return None


@pytest.fixture(scope="module")
def verdicts(spark: SparkSession) -> list[tuple[bytes | None, Found, Found]]:
    referee = ContractValidator(read_schema("customer_event"))
    contract = CHURN.event
    choices = {field.name for field in contract.fields if field.branches}
    sent = list(islice(messages(seed=20), MESSAGES))
    records = spark.createDataFrame(
        [(None, None if m is None else bytearray(m), None) for m in sent], RECORDS_SCHEMA
    )
    parser = EventParser(contract)
    rows = records.transform(parser.checked)
    return [
        (message, spark_verdict(row, choices), referee_verdict(referee, message))
        for message, row in zip(sent, rows.select("violations").collect(), strict=True)
    ]


def test_the_verdict_is_that_of_jsonschema(verdicts: list[tuple[bytes, Found, Found]]) -> None:
    for message, ours, theirs in verdicts:
        if bool(ours) != bool(theirs):
            reason = is_accepted_difference(message, ours, theirs)
            assert reason == "text of a number that overflows", (message, ours, theirs)
    valid = sum(not theirs for _, _, theirs in verdicts)
    assert MESSAGES * 0.3 < valid < MESSAGES * 0.7, "the messages must try both verdicts"


def test_every_violated_rule_is_named_by_field(
    verdicts: list[tuple[bytes, Found, Found]],
) -> None:
    used, unexplained = set(), []
    for message, ours, theirs in verdicts:
        if theirs == {(None, "not JSON")}:
            assert len(ours) == 1
            assert {code for _, code in ours} <= WHOLE, message
        elif ours != theirs:
            reason = is_accepted_difference(message, ours, theirs)
            used.add(reason)
            if reason is None:
                unexplained.append((ours, theirs, message))
    assert unexplained == []
    assert used == ACCEPTED_DIFFERENCES.keys(), "a difference that never occurs is no difference"


def test_the_verdict_is_the_same_when_spark_interprets_the_plan(
    spark: SparkSession, verdicts: list[tuple[bytes | None, Found, Found]]
) -> None:
    # As it does for small batches; otherwise it writes Java source and compiles that.
    some = verdicts[:3_000]
    records = spark.createDataFrame(
        [(None, None if m is None else bytearray(m), None) for m, _, _ in some], RECORDS_SCHEMA
    )
    parser = EventParser(CHURN.event)
    choices = {field.name for field in CHURN.event.fields if field.branches}
    for name, value in INTERPRETED.items():
        spark.conf.set(name, value)
    try:
        rows = records.transform(parser.checked).select("violations").collect()
    finally:
        for name in INTERPRETED:
            spark.conf.unset(name)
    assert [spark_verdict(row, choices) for row in rows] == [ours for _, ours, _ in some]


def test_thousands_of_unknown_fields_are_named_up_to_a_limit(spark: SparkSession) -> None:
    message = b"{" + b",".join(b'"k%d":1' % i for i in range(3000)) + b"}"
    parser = EventParser(CHURN.event)
    records = spark.createDataFrame([(None, bytearray(message), None)], RECORDS_SCHEMA)
    (row,) = records.transform(parser.checked).collect()
    codes = [v.code for v in row.violations]
    assert codes.count("unknown_field") == MAX_UNKNOWN_FIELDS
