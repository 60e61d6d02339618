from __future__ import annotations

import re
from typing import Any

import pytest
from churn_kind import CHURN
from pyspark.sql.types import DoubleType, StringType, StructField, StructType

from telco_churn.contract.schema import (
    ANNOTATIONS,
    FIELD_KEYWORDS,
    OBJECT_KEYWORDS,
    parse_contract,
)
from telco_churn.errors import SettingsError
from telco_churn.paths import read_schema


def refusal_of(**keywords: object) -> str:
    """What is said about an object with these keywords."""
    with pytest.raises(SettingsError) as error:
        parse_contract("sample", {"type": "object", **keywords})
    return str(error.value)


def refusal_of_field(**rules: object) -> str:
    """What is said about a property `size` with these rules."""
    return refusal_of(properties={"size": rules})


def test_a_contract_tells_fields_rules_and_spark_types() -> None:
    number_or_text = [{"type": "number", "minimum": 0}, {"type": "string", "pattern": "^ *$"}]
    properties: dict[str, Any] = {
        "id": {"type": "string", "pattern": "^a$", "title": "Identity"},
        "months": {"type": "integer", "minimum": 0, "maximum": 9},
        "price": {"type": "number"},
        "total": {"description": "in USD", "oneOf": number_or_text},
        "at": {"type": "string", "format": "date-time"},
    }
    contract = parse_contract(
        "sample",
        {"type": "object", "required": ["id", "total"], "properties": properties},
    )
    assert [f.name for f in contract.fields if f.is_required] == ["id", "total"]
    assert {f.name: f.rules for f in contract.fields} == properties
    assert [f.branches for f in contract.fields if f.branches] == [tuple(number_or_text)]
    assert contract.schema == StructType(
        [
            StructField("id", StringType()),
            StructField("months", DoubleType()),
            StructField("price", DoubleType()),
            StructField("total", StringType()),
            StructField("at", StringType()),
        ]
    )


@pytest.mark.parametrize(
    ("given", "allows"), [({}, True), ({"additionalProperties": False}, False)]
)
def test_unknown_properties_are_allowed_unless_the_contract_forbids_them(
    given: dict[str, object], allows: bool
) -> None:
    assert parse_contract("sample", {"type": "object", **given}).allows_unknown is allows


def test_the_contract_of_events_has_the_fields_of_its_file() -> None:
    contract, schema = CHURN.event, read_schema("customer_event")
    assert [f.name for f in contract.fields] == list(schema["properties"])
    assert {f.name for f in contract.fields if f.is_required} == set(schema["required"])
    assert not contract.allows_unknown


# JSON Schema's, draft 2020-12, but for the mere annotations; the last two are of earlier drafts.
KEYWORDS = re.findall(
    r"\S+",
    "$anchor $defs $dynamicAnchor $dynamicRef $id $ref additionalProperties allOf anyOf const "
    "contains contentEncoding contentMediaType contentSchema default dependentRequired "
    "dependentSchemas deprecated else enum exclusiveMaximum exclusiveMinimum format if items "
    "maxContains maxItems maxLength maxProperties maximum minContains minItems minLength "
    "minProperties minimum multipleOf not oneOf pattern patternProperties prefixItems properties "
    "propertyNames readOnly required then type unevaluatedItems unevaluatedProperties uniqueItems "
    "writeOnly definitions dependencies",
)


@pytest.mark.parametrize("keyword", [k for k in KEYWORDS if k not in FIELD_KEYWORDS])
def test_a_field_with_a_keyword_that_goes_unchecked_is_refused_by_name(keyword: str) -> None:
    assert refusal_of_field(type="string", **{keyword: 1}).startswith(
        f"contract sample: property size: keyword '{keyword}' is not supported; use enum"
    )


@pytest.mark.parametrize("keyword", [k for k in KEYWORDS if k not in OBJECT_KEYWORDS])
def test_an_object_with_a_keyword_that_goes_unchecked_is_refused_by_name(keyword: str) -> None:
    assert refusal_of(**{keyword: 1}) == (
        f"contract sample: keyword '{keyword}' is not supported; "
        "use additionalProperties, properties, required, type"
    )


def test_annotations_in_a_contract_change_nothing() -> None:
    notes = dict.fromkeys(ANNOTATIONS, "x")
    plain = parse_contract("sample", {"type": "object", "properties": {"a": {"type": "string"}}})
    noted = {"type": "object", "properties": {"a": {"type": "string", **notes}}, **notes}
    assert parse_contract("sample", noted).schema == plain.schema


@pytest.mark.parametrize("kind", ["boolean", "null", "array", "object", ["string", "null"], None])
def test_a_type_that_is_not_supported_is_refused(kind: object) -> None:
    assert refusal_of_field(type=kind) == (
        f"contract sample: property size: type {kind!r} is not supported; "
        "use one of integer, number, string"
    )


@pytest.mark.parametrize("kind", ["array", "string", None])
def test_a_message_that_is_no_object_is_refused(kind: object) -> None:
    assert refusal_of(type=kind) == f"contract sample: type is {kind!r}, must be 'object'"


@pytest.mark.parametrize("name", ["date", "email", "uuid", "ipv4", "regex"])
def test_a_format_that_goes_unchecked_is_refused(name: str) -> None:
    assert f"format {name!r} is not supported" in refusal_of_field(type="string", format=name)


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"type": "string", "enum": ["a", 1]}, "enum is supported for strings only"),
        ({"type": "string", "enum": ["a", None]}, "enum is supported for strings only"),
        ({"type": "integer", "enum": [1, 2]}, "enum is supported for strings only"),
        ({"type": "string", "minimum": 1}, "minimum does not apply to type string"),
        ({"type": "string", "maximum": 1}, "maximum does not apply to type string"),
        ({"type": "number", "pattern": "1"}, "pattern does not apply to type number"),
        ({"type": "integer", "format": "date-time"}, "format does not apply to type integer"),
        (
            {"type": "string", "pattern": r"\p{L}"},
            r"pattern '\\p{L}' cannot be checked: \p{ has no",
        ),
        ({"type": "string", "pattern": "(a"}, "pattern '(a' cannot be checked: missing ), unt"),
    ],
)
def test_a_rule_that_can_never_apply_or_be_checked_is_refused(
    rules: dict[str, object], said: str
) -> None:
    assert said in refusal_of_field(**rules)


NUMBER, STRING = {"type": "number"}, {"type": "string"}


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"oneOf": [NUMBER]}, "oneOf must be one number and one string"),
        ({"oneOf": [STRING, STRING]}, "oneOf must be one number and one string"),
        ({"oneOf": [{"type": "integer"}, STRING]}, "oneOf must be one number and one string"),
        ({"oneOf": [NUMBER, STRING, STRING]}, "oneOf must be one number and one string"),
        ({"oneOf": [NUMBER, STRING], "type": "number"}, "oneOf must stand alone"),
        ({"oneOf": [NUMBER, {"type": "string", "minLength": 1}]}, "keyword 'minLength'"),
        ({"oneOf": [NUMBER, {"oneOf": [NUMBER, STRING]}]}, "keyword 'oneOf'"),
        ({"oneOf": [NUMBER, {"pattern": "x"}]}, "type None is not supported"),
    ],
)
def test_alternatives_other_than_a_number_and_a_string_are_refused(
    rules: dict[str, object], said: str
) -> None:
    assert said in refusal_of_field(**rules)


@pytest.mark.parametrize("name", ["a.b", "a'b", "a b", "", "größe", "a-b", "$a", "a\n"])
def test_a_name_that_is_unsafe_in_a_path_is_refused(name: str) -> None:
    said = refusal_of(properties={name: {"type": "string"}})
    assert said == f"contract sample: property {name}: use letters, digits and _ only"


def test_a_required_property_without_rules_is_refused() -> None:
    said = refusal_of(required=["b", "a"], properties={"b": {"type": "string"}})
    assert said == "contract sample: required property a is not described"


def test_rules_for_unknown_properties_are_refused() -> None:
    said = refusal_of(additionalProperties={"type": "string"})
    assert said == "contract sample: additionalProperties must be true or false"


@pytest.mark.parametrize(
    ("keyword", "value", "wanted"),
    [
        ("pattern", 5, "text"),
        ("pattern", None, "text"),
        ("pattern", ["^a$"], "text"),
        ("format", ["date-time"], "text"),
        ("enum", "Yes", "a list"),
        ("enum", 5, "a list"),
        ("minimum", "0", "a number"),
        ("maximum", True, "a number"),
        ("oneOf", {"type": "number"}, "a list"),
    ],
)
def test_a_value_that_is_none_of_its_keyword_is_refused(
    keyword: str, value: object, wanted: str
) -> None:
    said = refusal_of_field(type="string", **{keyword: value})
    assert said == f"contract sample: property size: {keyword} is {value!r}, must be {wanted}"


@pytest.mark.parametrize(
    "keywords",
    [
        {"required": "size"},
        {"required": [["size"]]},
        {"properties": ["size"]},
        {"properties": {"size": True}},
        {"properties": {"size": {"oneOf": ["number", "string"]}}},
    ],
)
def test_a_contract_of_another_shape_is_refused(keywords: dict[str, object]) -> None:
    assert "contract sample" in refusal_of(**keywords)


def test_a_contract_that_is_no_object_is_refused() -> None:
    with pytest.raises(SettingsError, match="not an object"):
        parse_contract("sample", [])  # type: ignore[arg-type]
