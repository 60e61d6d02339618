"""Sketches read back without Spark: exact, or refused."""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterable

import pytest

from stream_telemetry.batch.buckets import MAX_NUMBERS, read_counts

WIDTH, MULTIPLIER = 100, 1_608_637_542


def slot(number: int) -> int:
    product = MULTIPLIER * number
    return ((product + (product >> 32)) & ((1 << 31) - 1)) % WIDTH


def sketch(numbers: Iterable[int], *, version: int = 1, depth: int = 1, more: int = 0) -> bytes:
    """What Spark writes for one row of counters, big-endian."""
    table, total = [0] * WIDTH, 0
    for number in numbers:
        table[slot(number)] += 1
        total += 1
    head = struct.pack(">iqii", version, total + more, depth, WIDTH)
    return head + struct.pack(">q", MULTIPLIER) + struct.pack(f">{WIDTH}q", *table)


def distinct_numbers() -> list[int]:
    """The numbers from 0 on that do not share a counter under this multiplier."""
    seen: set[int] = set()
    for number in range(MAX_NUMBERS):
        if slot(number) in seen:
            return list(range(number))
        seen.add(slot(number))
    return list(range(MAX_NUMBERS))


ROOM = len(distinct_numbers())


def test_each_number_is_counted_exactly() -> None:
    assert ROOM >= 3
    assert read_counts(sketch([0, 1, 1, 2, 2, 2]), 3) == [1, 2, 3]


def test_numbers_that_did_not_occur_are_zeros() -> None:
    assert read_counts(sketch([]), ROOM) == [0] * ROOM


def test_a_batch_without_rows_has_no_sketch_and_counts_as_zeros() -> None:
    assert read_counts(None, 4) == [0, 0, 0, 0]


def test_a_sketch_from_json_is_in_base64() -> None:
    text = base64.b64encode(sketch([1, 1])).decode()
    assert read_counts(text, 2) == [0, 2]
    assert read_counts(bytearray(sketch([1, 1])), 2) == [0, 2]


@pytest.mark.parametrize(("version", "depth"), [(2, 1), (1, 2), (0, 1)])
def test_a_sketch_of_another_kind_is_refused(version: int, depth: int) -> None:
    with pytest.raises(ValueError, match=f"sketch of version {version} with {depth} rows"):
        read_counts(sketch([0], version=version, depth=depth), 1)


def test_a_sketch_that_holds_more_than_its_counters_say_is_refused() -> None:
    with pytest.raises(ValueError, match="sketch of 3 values is ambiguous: 1 are in its counters"):
        read_counts(sketch([0], more=2), 2)


def test_numbers_that_share_a_counter_are_refused() -> None:
    assert ROOM < WIDTH
    with pytest.raises(ValueError, match="is ambiguous"):
        read_counts(sketch([0]), WIDTH + 1)
