from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice

import pytest

from churn_tools.customers.broken import (
    BORDERLINE_KINDS,
    BROKEN_KINDS,
    HUGE_KINDS,
    BorderlineRecord,
    BrokenRecord,
    borderline_records,
    broken_records,
    huge_records,
)
from churn_tools.producer.contract_validator import ContractValidator, Violation
from telco_churn.paths import read_schema

REFEREE = ContractValidator(read_schema("customer_event"))

# What each of these breaks is known by hand; all others are only known to be broken.
KNOWN: dict[str, list[Violation]] = {
    "json_null": [(None, "type")],
    "array_of_one": [(None, "type")],
    "id_nul_escape": [("customerID", "pattern")],
    "id_lone_surrogate": [("customerID", "pattern")],
    "id_newline_at_end": [("customerID", "pattern")],
    "string_given_boolean": [("Partner", "enum"), ("Partner", "type")],
    "deep_nesting": [("gender", "enum"), ("gender", "type")],
    "enum_edge_space": [("Dependents", "enum")],
    "label_unknown": [("Churn", "enum")],
    "integer_true": [("SeniorCitizen", "type")],
    "integer_wraps_32_bits": [("tenure", "maximum")],
    "integer_infinite": [("tenure", "type")],
    "number_infinite": [("MonthlyCharges", "type")],
    "monthly_1e9": [("MonthlyCharges", "maximum")],
    "total_java_suffix": [("TotalCharges", "oneOf")],
    "time_30_february": [("event_ts", "format")],
    "time_without_zone": [("event_ts", "format"), ("event_ts", "pattern")],
    "time_other_zone": [("event_ts", "pattern")],
    "unknown_property_as_if_ours": [("_corrupt", "additionalProperties")],
    "duplicate_name_last_invalid": [("tenure", "maximum")],
    "duplicate_name_last_null": [("tenure", "type")],
}
NOT_JSON = {
    "tombstone",
    "empty",
    "truncated",
    "trailing_text",
    "trailing_property",
    "two_events",
    "two_events_with_comma",
    "single_quotes",
    "byte_order_mark",
    "gzip",
    "id_latin_1",
    "id_overlong_utf_8",
    "integer_leading_zero",
    "number_nan",
    "number_infinity",
    "raw_newline_in_string",
}


def verdict(value: bytes | None) -> list[Violation] | None:
    """None for a value that is not JSON."""
    try:
        return REFEREE.violations(REFEREE.parse(value))
    except ValueError:
        return None


def by_kind(
    records: Iterator[BrokenRecord | BorderlineRecord], kinds: int
) -> dict[str, bytes | None]:
    return {record.kind: record.value for record in islice(records, kinds)}


@pytest.mark.parametrize("seed", range(5))
def test_every_kind_of_broken_record_is_dealt_once_and_breaks_the_contract(seed: int) -> None:
    values = by_kind(broken_records(seed), len(BROKEN_KINDS))
    assert values.keys() == BROKEN_KINDS.keys()
    assert [kind for kind, value in values.items() if verdict(value) == []] == []


def test_kinds_break_what_their_names_say() -> None:
    values = by_kind(broken_records(2), len(BROKEN_KINDS))
    assert {kind: verdict(values[kind]) for kind in KNOWN} == KNOWN
    assert {kind for kind in NOT_JSON if verdict(values[kind]) is not None} == set()


def test_single_field_kinds_break_nothing_but_that_field() -> None:
    values = by_kind(broken_records(3), len(BROKEN_KINDS))
    for kind in ("missing_property", "null_property"):
        assert len({field for field, _ in verdict(values[kind]) or []}) == 1, kind
    assert (
        len({str(field).lower() for field, _ in verdict(values["name_in_other_case"]) or []}) == 1
    )


@pytest.mark.parametrize("seed", range(5))
def test_every_kind_of_borderline_record_is_dealt_once_and_is_valid(seed: int) -> None:
    values = by_kind(borderline_records(seed), len(BORDERLINE_KINDS))
    assert values.keys() == BORDERLINE_KINDS.keys()
    assert {kind: verdict(value) for kind, value in values.items() if verdict(value) != []} == {}


def test_huge_records_break_the_contract_and_are_not_among_the_ordinary_ones() -> None:
    values = by_kind(huge_records(1), len(HUGE_KINDS))
    assert values.keys() == HUGE_KINDS.keys()
    assert [kind for kind, value in values.items() if verdict(value) == []] == []
    assert max(len(value or b"") for value in values.values()) > 22_000_000
    assert HUGE_KINDS.keys().isdisjoint(BROKEN_KINDS)
    ordinary = by_kind(broken_records(1), len(BROKEN_KINDS)).values()
    assert max(len(value or b"") for value in ordinary) < 10_000


def test_same_seed_gives_the_same_kinds_and_keys_and_another_seed_others() -> None:
    def first(seed: int) -> list[tuple[str, bytes | None]]:
        return [(record.kind, record.key) for record in islice(broken_records(seed), 300)]

    assert first(1) == first(1)
    assert first(1) != first(2)


def test_key_is_the_customer_that_the_record_was_made_from() -> None:
    records = {record.kind: record for record in islice(broken_records(1), len(BROKEN_KINDS))}
    array = json.loads(records["array_of_one"].value or b"")
    assert records["array_of_one"].key == array[0]["customerID"].encode()
    assert records["tombstone"].key is not None


def test_borderline_keys_may_be_odd() -> None:
    keys = {record.kind: record.key for record in islice(borderline_records(1), 100)}
    assert keys["key_null"] is None
    assert keys["key_empty"] == b""
    assert keys["key_not_utf_8"] == b"\xff\x00\xfe"
