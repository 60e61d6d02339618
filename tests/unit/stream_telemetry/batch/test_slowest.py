"""The slowest record of a batch, as the plan writes it down and the driver reads it."""

from __future__ import annotations

import pytest

from stream_telemetry.batch.slowest import (
    MOST_LABEL_CHARACTERS,
    SlowRecord,
    Span,
    read_slowest,
    slower,
)

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
WHOLE = f"00-{TRACE}-{SPAN}-01"


def test_a_batch_without_records_has_no_slowest_one() -> None:
    assert read_slowest(None) is None


def test_a_record_without_a_trace_is_known_by_its_place() -> None:
    assert read_slowest("1234 2 567890123456") == SlowRecord(1.234, 2, 567890123456)


@pytest.mark.parametrize("parent", [WHOLE, f"01-{TRACE}-{SPAN}-00", f"cc-{TRACE}-{SPAN}-01-"])
def test_a_trace_is_taken_from_its_header(parent: str) -> None:
    record = read_slowest(f"0 0 7 {parent}")
    assert record == SlowRecord(0.0, 0, 7, Span(TRACE, SPAN))


@pytest.mark.parametrize(
    "parent",
    [
        *("", " ", "00", "00-4bf9-01", "\N{REPLACEMENT CHARACTER}" * 56, WHOLE.upper()),
        *(WHOLE + "-", WHOLE + "\n", WHOLE[:-1], " " + WHOLE, f"ff-{TRACE}-{SPAN}-01"),
        *(f"00-{'0' * 32}-{SPAN}-01", f"00-{TRACE}-{'0' * 16}-01", f"01-{TRACE}-{SPAN}-01x"),
    ],
)
def test_what_is_no_trace_names_none(parent: str) -> None:
    assert read_slowest(f"5 1 7 {parent}") == SlowRecord(0.005, 1, 7)


def test_an_age_at_a_bucket_s_bound_is_not_beyond_it() -> None:
    for milliseconds in range(1, 70_000):
        record = read_slowest(f"{milliseconds} 0 0")
        assert record is not None
        assert record.seconds == float(f"{milliseconds}e-3")


def test_of_two_records_the_slower_one_is_told() -> None:
    fast, slow = SlowRecord(1.0, 0, 1), SlowRecord(2.0, 1, 2)
    assert slower(fast, slow) == slower(slow, fast) == slower(slow, None) == slow
    assert slower(None, fast) == fast
    assert slower(None, None) is None


def test_labels_say_where_the_record_is_and_what_trace_it_is_part_of() -> None:
    place = {"topic": "raw", "partition": "2", "offset": "7"}
    assert SlowRecord(1.0, 2, 7).labels("raw") == place
    traced = SlowRecord(1.0, 2, 7, Span(TRACE, SPAN)).labels("raw")
    assert traced == {**place, "trace_id": TRACE, "span_id": SPAN}


def test_labels_are_never_longer_than_an_exemplar_s_may_be() -> None:
    longest = SlowRecord(1.0, 2**31 - 1, 2**63 - 1, Span(TRACE, SPAN))
    for length in range(1, 250):
        labels = longest.labels("t" * length)
        taken = sum(len(name) + len(value) for name, value in labels.items())
        assert taken <= MOST_LABEL_CHARACTERS
        assert ("topic" in labels) == (length <= 39)
        assert ("span_id" in labels) == (length <= 16 or length > 39)
        assert {"partition", "offset", "trace_id"} <= labels.keys()
