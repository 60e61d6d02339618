"""Which event an output record answers, by its headers."""

from __future__ import annotations

import pytest

from stream_telemetry.broker.read import RecordAddress
from telco_churn.outcome.source_headers import is_from, source_of, without_own

HEADERS = {"source_topic": "raw", "source_partition": "2", "source_offset": "77"}


def test_three_headers_name_the_event() -> None:
    assert source_of(HEADERS) == RecordAddress("raw", 2, 77)


def test_other_headers_change_nothing() -> None:
    assert source_of({**HEADERS, "own": "x", "latency_ms": "?"}) == RecordAddress("raw", 2, 77)


@pytest.mark.parametrize("name", HEADERS)
def test_without_one_of_them_no_event_is_named(name: str) -> None:
    assert source_of({key: value for key, value in HEADERS.items() if key != name}) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("source_topic", ""),
        ("source_partition", "-1"),
        ("source_partition", "x"),
        ("source_partition", ""),
        ("source_offset", "7.0"),
        ("source_offset", " 7"),
        ("source_offset", "0x7"),
    ],
)
def test_a_header_that_is_no_place_names_no_event(name: str, value: str) -> None:
    assert source_of({**HEADERS, name: value}) is None


def test_the_headers_that_came_with_an_event_are_told_from_the_jobs_own() -> None:
    names = (*HEADERS, "source_timestamp", "latency_ms")
    own: list[tuple[str, bytes | None]] = [(name, b"1") for name in names]
    for came in ([], [("a", b"\xff"), ("a", None)], own):
        assert without_own([*came, *own]) == came
    assert without_own([("a", b"b")]) == [("a", b"b")]


OWN = [
    *((name, value.encode()) for name, value in HEADERS.items()),
    *(("source_timestamp", b"5"), ("latency_ms", b"0.1")),
]


def test_what_the_job_writes_itself_is_known_without_reading_all_headers() -> None:
    assert is_from([("own", b"x"), *OWN], b"raw")
    assert is_from([("source_topic", b"theirs"), *OWN], b"raw")


@pytest.mark.parametrize(
    "headers",
    [
        None,
        [],
        OWN[:-1],
        [*OWN, ("own", b"x")],
        [("source_topic", b"theirs"), *OWN[1:]],
        [("source_topic", None), *OWN[1:]],
        [OWN[0], ("source_partition", b"-1"), *OWN[2:]],
        [*OWN[:2], ("source_offset", None), *OWN[3:]],
        dict(OWN),
    ],
)
def test_of_other_headers_it_is_not_sure(headers: object) -> None:
    assert not is_from(headers, b"raw")
