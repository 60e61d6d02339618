"""Exact histograms from inside a plan: records are given bucket numbers, the numbers are counted.

The count is done by `count_min_sketch`, because it is one aggregate that `observe()` takes and that
merges rightly over partitions. A sketch is approximate where two numbers share a counter; with the
hash of `_SEED` none of the numbers below `MAX_NUMBERS` do, so what is read back is exact.
"""

from __future__ import annotations

import struct
from base64 import b64decode
from collections.abc import Sequence

import numpy as np
from pyspark.sql import Column
from pyspark.sql import functions as F

MAX_NUMBERS = 100
_SEED = 5122
# One row of 2 / 0.02 = 100 counters (org.apache.spark.util.sketch.CountMinSketchImpl).
_RELATIVE_ERROR, _CONFIDENCE = 0.02, 0.5
_HEADER = struct.Struct(">iqii")
_MERSENNE = (1 << 31) - 1
_DIGITS, _BEYOND = 64, (1 << 63) - 1


def bucket_number_col(value: Column, bounds: Sequence[int]) -> Column:
    """BIGINT: how many of the rising `bounds` are below `value`; as many as there are for null.

    Two literals give, for each number of binary digits, the bounds below all numbers of that
    length, and those among them: a dozen nodes, where a tree of comparisons has a hundred. The
    plan's size is what each batch pays for.

    Args:
        value: BIGINT.
        bounds: not negative.
    """
    # What is negative has 64 digits, and is below every bound.
    digits = [(bound.bit_length() or 1) for bound in bounds]
    longest = range(_DIGITS + 1)
    below = [sum(d < length for d in digits) if length < _DIGITS else 0 for length in longest]
    within = [[b for b, d in zip(bounds, digits, strict=True) if d == length] for length in longest]
    length = F.length(F.bin(value))
    number = F.get(F.lit(np.array(below, np.int64)), length)
    for place in range(max(map(len, within), default=0)):
        nth = [among[place] if place < len(among) else _BEYOND for among in within]
        is_above = value > F.get(F.lit(np.array(nth, np.int64)), length)
        number = number + is_above.cast("long")
    return F.coalesce(number, F.lit(len(bounds)).cast("long"))


def place_number_col(word: Column, words: Sequence[str], other: str, none: Column) -> Column:
    """BIGINT: the place of a STRING among some.

    Args:
        word: of a record.
        words: without commas; their places begin with 0.
        other: one of them, which a word that is not among them counts as.
        none: BIGINT, for null.
    """
    # Place 0 is that of what is not in the list; null has none.
    place = F.find_in_set(word, F.lit(",".join(words)))
    numbers = np.array([words.index(other), *range(len(words))], np.int64)
    return F.coalesce(F.get(F.lit(numbers), place), none)


def count_numbers_col(number: Column | str) -> Column:
    """BINARY aggregate for `observe()`: how often each number occurs; `read_counts` reads it.

    Args:
        number: BIGINT, 0 to `MAX_NUMBERS` - 1; nulls are not counted.
    """
    return F.count_min_sketch(number, F.lit(_RELATIVE_ERROR), F.lit(_CONFIDENCE), F.lit(_SEED))


def read_counts(sketch: bytes | bytearray | str | None, numbers: int) -> list[int]:
    """How often each of the numbers 0 to `numbers` - 1 occurred.

    Args:
        sketch: what `count_numbers_col` made, in base64 if the progress was read from JSON; None,
            of a batch without rows, counts as zeros.
        numbers: how many there are.

    Raises:
        ValueError: it is not such a sketch, or its counters are shared.
    """
    if sketch is None:
        return [0] * numbers
    if isinstance(sketch, str):
        sketch = b64decode(sketch)
    version, total, depth, width = _HEADER.unpack_from(sketch)
    if (version, depth) != (1, 1):
        raise ValueError(f"sketch of version {version} with {depth} rows; 1 and 1 are understood")
    (multiplier,) = struct.unpack_from(">q", sketch, _HEADER.size)
    table = struct.unpack_from(f">{width}q", sketch, _HEADER.size + 8)
    slots = [_slot(multiplier, number, width) for number in range(numbers)]
    counts = [table[slot] for slot in slots]
    if len(set(slots)) < numbers or sum(counts) != total:
        raise ValueError(
            f"sketch of {total} values is ambiguous: {sum(counts)} are in its counters"
        )
    return counts


def _slot(multiplier: int, number: int, width: int) -> int:
    product = multiplier * number
    return ((product + (product >> 32)) & _MERSENNE) % width
