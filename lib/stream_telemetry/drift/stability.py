"""The population stability index: how far shares are from what they were."""

from __future__ import annotations

import math

import numpy as np

from stream_telemetry.drift.reference import Counts

EMPTY = 1e-4
"""What an empty bin counts as, on either side: the logarithm of 0 would be endless."""
_BY_CHANCE = 0.025
"""A tenth of 0.25, from which drift is called large: that much of an index may be mere chance."""


def stability_index(expected: Counts, counts: Counts) -> float:
    """PSI: the sum of (now - then) * ln(now / then) over the bins.

    Args:
        expected: shares of the bins then.
        counts: records in the same bins now, one at least.
    """
    then = np.maximum(expected, EMPTY)
    now = np.maximum(counts / counts.sum(), EMPTY)
    return float(((now - then) * np.log(now / then)).sum())


def records_needed(expected: Counts, rows: int | None) -> float:
    """How many records an index takes so that chance alone makes little of it; maybe endless.

    Without any drift its mean is (bins - 1) * (1 / records + 1 / rows), because both shares are of
    samples (Yurdakul and Naranjo, Statistical properties of the population stability index, 2020).

    Args:
        expected: shares of the bins then.
        rows: records that these shares are of; None if nobody knows.
    """
    freedom = np.count_nonzero(expected) - 1
    left = _BY_CHANCE - (freedom / rows if rows else 0.0)
    return freedom / left if left > 0 else math.inf
