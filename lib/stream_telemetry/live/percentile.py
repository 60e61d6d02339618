"""Percentiles of what was counted in buckets, as PromQL's `histogram_quantile` has them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import accumulate


def added(counts: Iterable[Sequence[int]]) -> list[int]:
    """The counts of several histograms with the same buckets, bucket by bucket; empty for none."""
    return [sum(column) for column in zip(*counts, strict=True)]


def percentile(counts: Sequence[int], bounds: Sequence[float], share: float) -> float | None:
    """The value that this share of the records does not exceed; None without records.

    Within a bucket it is interpolated. Beyond the last bound that bound is all that is known.

    Args:
        counts: records in each bucket, not cumulated, the last one without a bound.
        bounds: upper bounds of the buckets, rising.
        share: from 0 to 1.
    """
    cumulated = list(accumulate(counts))
    if not cumulated or not cumulated[-1]:
        return None
    rank = share * cumulated[-1]
    # The first bucket with enough records; an empty one before it has not more than the rank.
    bucket = bisect_left(cumulated, max(rank, 1e-9))
    if bucket >= len(bounds):
        return bounds[-1]
    low = bounds[bucket - 1] if bucket else 0.0
    below = cumulated[bucket - 1] if bucket else 0
    return low + (bounds[bucket] - low) * (rank - below) / counts[bucket]
