"""Exact histograms from inside a plan: records are given bucket numbers, the numbers are counted.

The count is done by `count_min_sketch`, because it is one aggregate that `observe()` takes and that
merges rightly over partitions. A sketch is approximate where two numbers share a counter; with the
hash of `_SEED` none of the numbers below `MAX_NUMBERS` do, so what is read back is exact.
"""

from __future__ import annotations

import struct
from base64 import b64decode
from collections.abc import Sequence

from pyspark.sql import Column
from pyspark.sql import functions as F

MAX_NUMBERS = 64
_SEED = 10
# One row of 2 / 0.02 = 100 counters (org.apache.spark.util.sketch.CountMinSketchImpl).
_RELATIVE_ERROR, _CONFIDENCE = 0.02, 0.5
_HEADER = struct.Struct(">iqii")
_MERSENNE = (1 << 31) - 1


def bucket_number_col(value: Column, bounds: Sequence[float]) -> Column:
    """BIGINT: how many of the rising `bounds` are below `value`; as many as there are for null.

    A tree of comparisons: five of them find one of 22 buckets, in generated code.
    """
    return _tree(value, bounds, 0)


def _tree(value: Column, bounds: Sequence[float], first: int) -> Column:
    if not bounds:
        return F.lit(first).cast("long")
    middle = len(bounds) // 2
    return F.when(value <= bounds[middle], _tree(value, bounds[:middle], first)).otherwise(
        _tree(value, bounds[middle + 1 :], first + middle + 1)
    )


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
