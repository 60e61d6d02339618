from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn_tools.customers.synthetic import synthetic_customers
from churn_tools.producer.contract_validator import ContractValidator
from telco_churn.errors import SettingsError
from telco_churn.paths import read_schema

CONTRACT = read_schema("customer_event")
REFEREE = ContractValidator(CONTRACT)
CUSTOMER: Mapping[str, Any] = next(synthetic_customers(1))


def violations_of(**fields: object) -> list[tuple[str | None, str]]:
    return REFEREE.violations({**CUSTOMER, **fields})


def test_valid_customer_has_no_violations() -> None:
    assert violations_of() == []


@pytest.mark.parametrize("message", [None, 5, "x", True, [dict(CUSTOMER)], []])
def test_message_that_is_no_object_has_that_one_violation(message: object) -> None:
    assert REFEREE.violations(message) == [(None, "type")]


def test_each_missing_property_is_named() -> None:
    absent = {"gender", "tenure"}
    event = {name: value for name, value in CUSTOMER.items() if name not in absent}
    assert REFEREE.violations(event) == [("gender", "required"), ("tenure", "required")]
    assert len(REFEREE.violations({})) == len(CONTRACT["required"])


def test_each_unknown_property_is_named() -> None:
    assert violations_of(zzz=1, _corrupt="x") == [
        ("_corrupt", "additionalProperties"),
        ("zzz", "additionalProperties"),
    ]


def test_every_broken_rule_of_a_field_is_given_once_and_sorted() -> None:
    assert violations_of(gender=5, Contract=None, tenure=-1) == [
        ("Contract", "enum"),
        ("Contract", "type"),
        ("gender", "enum"),
        ("gender", "type"),
        ("tenure", "minimum"),
    ]


@pytest.mark.parametrize("total", [-1, None, True, "abc", "1d", "29.85\n", "\t", 10**400])
def test_alternatives_are_one_violation(total: object) -> None:
    assert violations_of(TotalCharges=total) == [("TotalCharges", "oneOf")]


@pytest.mark.parametrize("total", [0, 29.85, "29.85", "", "   ", "1e3"])
def test_total_charges_may_be_a_number_its_text_or_blank(total: object) -> None:
    assert violations_of(TotalCharges=total) == []


def test_dollar_in_a_pattern_matches_only_at_the_very_end() -> None:
    assert violations_of(customerID="7590-VHVEG\n") == [("customerID", "pattern")]


@pytest.mark.parametrize(
    ("pattern", "text", "is_match"),
    [
        (r"^\d$", "٧", False),
        (r"^\w$", "é", False),
        (r"^[$.]$", "$", True),
        (r"^\$$", "$", True),
        (r"^[\]$]$", "]", True),
        (r"^a\\$", "a\\", True),
        (r"b", "abc", True),
    ],
)
def test_patterns_have_their_ecma_meaning(pattern: str, text: str, is_match: bool) -> None:
    assert (ContractValidator({"pattern": pattern}).violations(text) == []) is is_match


@pytest.mark.parametrize("number", [float("inf"), float("-inf"), float("nan"), 10**400])
def test_number_that_no_double_holds_is_no_number(number: float) -> None:
    assert violations_of(MonthlyCharges=number, tenure=number) == [
        ("MonthlyCharges", "type"),
        ("tenure", "type"),
    ]


def test_whole_number_written_as_a_float_is_an_integer_and_a_boolean_is_not() -> None:
    assert violations_of(tenure=5.0) == []
    assert violations_of(tenure=5.5, SeniorCitizen=True) == [
        ("SeniorCitizen", "type"),
        ("tenure", "type"),
    ]


@pytest.mark.parametrize(
    "time", ["2025-02-30T04:00:00Z", "2025-01-01T24:00:00Z", "0000-01-01T00:00:00Z"]
)
def test_impossible_time_breaks_the_format(time: str) -> None:
    assert violations_of(event_ts=time) == [("event_ts", "format")]


def test_rule_inside_a_nested_property_counts_for_the_outermost_one() -> None:
    referee = ContractValidator(read_schema("dead_letter"))
    found = referee.violations({"validation_errors": [{"field": 5}], "original_truncated": {}})
    assert ("original_truncated", "required") in found
    assert ("validation_errors", "required") in found
    assert ("validation_errors", "type") in found


def test_a_contract_that_is_no_json_schema_is_refused() -> None:
    with pytest.raises(Exception, match="is not valid under any of the given schemas"):
        ContractValidator({"type": "nonsense"})


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"  ",
        b"{} {}",
        b"{} x",
        b"{'a':1}",
        b'{"a":NaN}',
        b'{"a":-Infinity}',
        b'\xef\xbb\xbf{"a":1}',
        b'{"a":"\xe9"}',
        b'{"a":"\xc0\xaf"}',
        b'{"a":"\n"}',
        b'{"a":01}',
        b'\xc2\xa0{"a":1}',
        '{"a":1}'.encode("utf-16"),
        b"[" * 100_000 + b"]" * 100_000,
        b"1" * 5_000,
    ],
)
def test_value_that_is_not_exactly_one_json_document_is_refused(value: bytes | None) -> None:
    with pytest.raises(ValueError, match=r"."):
        REFEREE.parse(value)


def test_last_of_two_equal_names_counts() -> None:
    assert REFEREE.parse(b'{"a":1,"a":2}') == {"a": 2}


@given(st.binary())
def test_any_bytes_are_parsed_or_refused(value: bytes) -> None:
    try:
        event = REFEREE.parse(value)
    except ValueError:
        return
    assert REFEREE.violations(event)


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(_JSON)
def test_any_json_document_comes_back_as_it_was(document: object) -> None:
    assert REFEREE.parse(json.dumps(document).encode()) == document


@given(st.sampled_from(sorted(CONTRACT["properties"])), _JSON)
def test_violations_of_one_changed_field_name_that_field(field: str, value: object) -> None:
    assert {name for name, _ in violations_of(**{field: value})} <= {field}


def test_missing_contract_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHURN_STREAM_HOME", str(tmp_path))
    with pytest.raises(SettingsError, match="CHURN_STREAM_HOME"):
        read_schema("customer_event")
