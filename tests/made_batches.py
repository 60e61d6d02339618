"""Batches that no Spark has run."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import MappingProxyType

from stream_telemetry.batch.observation import Histogram, Observation, Observed
from stream_telemetry.batch.progress import Batch
from stream_telemetry.metrics.bounds import END_TO_END_BUCKETS, PROCESSING_BUCKETS

OBSERVATION = Observation(
    operations={"validation": ("a", "b"), "total": ("a", "c")},
    finished="done",
    outcome="error_type",
    error_types=("validation_error",),
    violations="counts",
    fields=("tenure", "message"),
)


def made_batch(
    number: int = 0,
    *,
    good: int = 100,
    refused: int = 0,
    seconds: float = 1.0,
    age: float = 2.0,
    fields: Mapping[str, int] = MappingProxyType({}),
) -> Batch:
    """A batch that has just ended, whose records were all equally old and equally slow."""
    records = good + refused
    took = in_one_bucket(PROCESSING_BUCKETS, 2e-5, records)
    return Batch(
        number=number,
        started=time.time() - seconds,
        seconds=seconds,
        phases={"triggerExecution": seconds},
        records_read=records,
        observed=Observed(
            succeeded=good,
            failed={"validation_error": refused, "unknown_error": 0},
            latencies={"validation": took, "total": took},
            end_to_end=in_one_bucket(END_TO_END_BUCKETS, age, records),
            violations={"tenure": 0, "message": 0, **fields},
        ),
        positions={("raw", 0): records},
    )


def in_one_bucket(bounds: tuple[float, ...], value: float, records: int) -> Histogram:
    place = next((n for n, bound in enumerate(bounds) if value <= bound), len(bounds))
    counts = [records if n == place else 0 for n in range(len(bounds) + 1)]
    return Histogram(tuple(counts), value * records)
