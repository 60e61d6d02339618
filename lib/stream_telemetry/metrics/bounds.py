"""The bounds of the histograms, in seconds or records.

Each is at most twice the one before, so a percentile that is read from the buckets is less than
twice the true one, and there is one at each limit that somebody asks for: the guide's buckets, a
second in the plan, a minute of age, the default size of a batch.
"""

from __future__ import annotations

_STEPS = (1.0, 1.5, 2.5, 5.0)


def _decades(first: int, last: int) -> tuple[float, ...]:
    """Four bounds from each power of ten to the next."""
    return tuple(
        # As it is written, not as it is computed.
        float(f"{step}e{power}")
        for power in range(first, last)
        for step in _STEPS
    )


PROCESSING_BUCKETS = (*_decades(-6, 1), 10.0)
"""The guide's buckets, and others between and below: a record takes microseconds."""
END_TO_END_BUCKETS = (
    *(0.001, 0.002, 0.003, 0.005, *_decades(-2, 1), 10.0, 15.0, 30.0, 60.0, 90.0, 120.0, 180.0),
    *(300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 14400.0, 21600.0, 43200.0),
    *(86400.0, 172800.0, 345600.0, 604800.0),
)
"""Whole milliseconds, from those of real-time mode to the week that Kafka keeps records for."""
BATCH_BUCKETS = (
    *(0.025, 0.05, *_decades(-1, 1), 10.0, 15.0, 30.0, 60.0, 90.0, 120.0, 180.0, 300.0),
    *(600.0, 900.0, 1800.0, 3600.0),
)
SIZE_BUCKETS = (0.0, 1.0, 2.0, 3.0, 5.0, *_decades(1, 6), 1e6)
SCORE_BUCKETS = tuple(tenth / 10 for tenth in range(1, 11))
