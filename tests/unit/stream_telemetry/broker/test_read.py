"""What is in a record that was read."""

from __future__ import annotations

import pytest
from confluent_kafka import Message

from stream_telemetry.broker.read import RecordAddress, headers_of, object_of


@pytest.mark.parametrize(
    ("headers", "texts"),
    [
        ([], {}),
        ([("a", b"x"), ("b", b"y")], {"a": "x", "b": "y"}),
        ([("a", b"theirs"), ("a", b"ours")], {"a": "ours"}),
        ([("a", None)], {"a": ""}),
        ([("a", b"\xff\x00")], {"a": "\\xff\x00"}),
    ],
)
def test_headers_are_text_and_the_last_of_a_name_counts(
    headers: list[tuple[str, str | bytes | None]], texts: dict[str, str]
) -> None:
    assert headers_of(Message(headers=headers)) == texts


def test_a_record_without_headers_has_none() -> None:
    assert headers_of(Message()) == {}


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (b'{"a": 1}', {"a": 1}),
        (b"{}", {}),
        (None, {}),
        (b"", {}),
        (b"[]", {}),
        (b"5", {}),
        (b"no JSON", {}),
        (b"\xff", {}),
        (b"[" * 100_000, {}),
    ],
)
def test_a_value_that_is_no_object_is_an_empty_one(
    value: bytes | None, found: dict[str, object]
) -> None:
    assert object_of(Message(value=value)) == found


def test_the_address_is_where_the_record_was() -> None:
    assert RecordAddress.of(Message("raw", 3, 77)) == RecordAddress("raw", 3, 77)


@pytest.mark.parametrize("text", ["raw-0-0", "a.b_c-1-3-12", "telco-raw-customers-2-99"])
def test_an_address_is_read_as_it_was_written(text: str) -> None:
    assert str(RecordAddress.parse(text)) == text
