"""Messages are mended where that helps, and byte for byte what they were where it does not."""

from __future__ import annotations

import json
from itertools import islice

import pytest

from churn_tools.customers.broken import borderline_records, broken_records
from churn_tools.customers.synthetic import synthetic_customers
from churn_tools.replay.mending import Mending
from churn_tools.replay.settings import MENDS
from telco_churn.paths import read_schema

CONTRACT = read_schema("customer_event")
ALL = Mending(CONTRACT, MENDS)
CUSTOMER = next(synthetic_customers(1))


def event(**changed: object) -> bytes:
    return json.dumps({**CUSTOMER, **changed}).encode()


@pytest.mark.parametrize(
    ("field", "value", "mended"),
    [
        ("tenure", " 12 ", 12),
        ("gender", " male", "Male"),
        ("Partner", True, "Yes"),
        ("SeniorCitizen", "Yes", 1),
        ("MonthlyCharges", "29.85", 29.85),
        ("TotalCharges", " 29.85 ", "29.85"),
        ("event_ts", "2025-01-01T05:00:00+01:00", "2025-01-01T04:00:00Z"),
    ],
)
def test_a_broken_field_is_mended_by_what_fits(field: str, value: object, mended: object) -> None:
    broken = event(**{field: value})
    assert not ALL.is_in_order(broken)
    found = ALL.mended(broken)
    assert ALL.is_in_order(found)
    assert json.loads(found or b"") == {**CUSTOMER, field: mended}


def test_only_chosen_repairs_are_done_in_the_order_given() -> None:
    broken = event(tenure=" 12 ")
    assert not Mending(CONTRACT, ["number-text"]).is_in_order(
        Mending(CONTRACT, ["number-text"]).mended(broken)
    )
    assert Mending(CONTRACT, ["number-text", "trim"]).mended(broken) == event(tenure="12")
    assert Mending(CONTRACT, ["trim", "number-text"]).mended(broken) == event(tenure=12)


def test_what_is_in_order_keeps_its_text() -> None:
    text = event(tenure="12").decode()
    odd = (
        text.replace('"gender"', r'"gend\u0065r"')
        .replace('"tenure": "12"', '\n "tenure" :\t"12" ')
        .replace("{", ' { "MonthlyCharges": 29.850000, ')
        .replace("}", " } \n")
    )
    found = ALL.mended(odd.encode()) or b""
    assert json.loads(found)["tenure"] == 12
    for kept in (b"29.850000", rb'"gend\u0065r"', b'"tenure" :\t12', b" } \n"):
        assert kept in found


def test_unknown_fields_are_left_out_and_nothing_else() -> None:
    broken = event(tenure=5, extra={"a": [1, {"b": "}"}]}, more=None)
    assert Mending(CONTRACT, ["trim"]).mended(broken) == broken
    found = Mending(CONTRACT, ["unknown-fields"]).mended(broken) or b""
    assert json.loads(found) == {**CUSTOMER, "tenure": 5}
    assert Mending(CONTRACT, ["unknown-fields"]).mended(b'{"extra":1}') == b"{}"


def test_a_schemas_id_stays_before_the_message() -> None:
    found = ALL.mended(b"\0\0\0\0\7" + event(tenure="12"))
    assert found == b"\0\0\0\0\7" + event(tenure=12)
    assert ALL.is_in_order(found)


@pytest.mark.parametrize("seed", range(3))
def test_a_message_that_follows_the_contract_is_not_touched(seed: int) -> None:
    for record in islice(borderline_records(seed), 60):
        assert ALL.is_in_order(record.value), record.kind
        assert ALL.mended(record.value) == record.value, record.kind


def test_broken_messages_of_every_kind_are_mended_whole_or_still_called_broken() -> None:
    mended = {}
    for record in islice(broken_records(1), 300):
        value = ALL.mended(record.value)
        if ALL.is_in_order(value):
            mended[record.kind] = value
            json.loads(value or b"")
        # A second time there is nothing left to do.
        assert ALL.mended(value) == value, record.kind
    assert "byte_order_mark" not in mended
    assert len(mended) > 5
