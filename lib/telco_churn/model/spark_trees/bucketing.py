"""Spark ML's Bucketizer, as a list of comparisons."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from pyspark.sql import Column
from pyspark.sql import functions as F


def bucket_col(value: Column, splits: Sequence[float]) -> Column:
    """DOUBLE: the bucket that a DOUBLE is in; that after the last for NaN, null for null.

    What lies outside the splits gets the first bucket or the last.
    """
    bucket = F.when(value.isNull(), F.lit(None)).when(F.isnan(value), F.lit(len(splits) - 1.0))
    for place, split in enumerate(splits[1:-1]):
        bucket = bucket.when(_is_below(value, split), F.lit(float(place)))
    return bucket.otherwise(F.lit(len(splits) - 2.0))


def outside_cols(value: Column, splits: Sequence[float]) -> Iterator[Column]:
    """BOOLEAN columns, one of them true for a number that has no bucket, at which Spark throws."""
    first, last = splits[0], splits[-1]
    if math.isfinite(first):
        yield _is_below(value, first)
    if math.isfinite(last):
        yield (value > last) & ~F.isnan(value)


def _is_below(value: Column, split: float) -> Column:
    if split:
        return value < split
    # Spark's search has -0.0 before 0.0, which are equal in SQL.
    return (value < split) | (value.cast("string") == "-0.0")
