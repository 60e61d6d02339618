"""What the plan itself says of its records: how long each step took and what became of them.

`observe()` carries aggregates to the driver with each batch's progress. It evaluates them by the
interpreter, so all expressions are computed in projections before it, which Spark compiles, and the
aggregates are of plain columns (bench/telemetry_cost.py has what that costs).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from stream_telemetry.batch.buckets import bucket_number_col, count_numbers_col, read_counts
from stream_telemetry.metrics.bounds import END_TO_END_BUCKETS, PROCESSING_BUCKETS
from stream_telemetry.metrics.catalogue import UNKNOWN

NAME = "stream_telemetry"
"""Name of the observation in Spark's progress."""
LONGEST_MS = 31 * 86_400_000
"""A record older than this counts as this old: one with a timestamp of 0 would bend every mean."""

_PREFIX = "_observed_"
_MILLISECOND, _NANOSECOND = 1e-3, 1e-9


@dataclass(frozen=True)
class Histogram:
    """Records per bucket, the last one without a bound, and their times together."""

    counts: tuple[int, ...]
    total_seconds: float


@dataclass(frozen=True)
class Observed:
    """The figures of one batch."""

    succeeded: int
    failed: Mapping[str, int]  # by error type
    latencies: Mapping[str, Histogram]  # by operation
    end_to_end: Histogram
    violations: Mapping[str, int] = field(default_factory=dict)  # by field

    @property
    def records(self) -> int:
        """Records that were seen leaving."""
        return self.succeeded + sum(self.failed.values())


@dataclass(frozen=True)
class Observation:
    """Which columns are observed.

    Attributes:
        operations: for each operation, the columns in which the clock `nanoseconds_col` was read
            before and after it.
        finished: TIMESTAMP column, the wall clock when the plan was done with the record.
        outcome: STRING column, null for a good record, else one of `error_types`; empty when every
            record is good.
        error_types: what `outcome` may hold; what it holds besides counts as `unknown_error`.
        violations: ARRAY<FLOAT> column, how many rules of each of `fields` the record breaks, null
            for none; empty when there are no rules. The sum over a batch is exact up to 16,777,216
            for each field.
        fields: names of the array's elements.
    """

    operations: Mapping[str, tuple[str, str]]
    finished: str
    outcome: str = ""
    error_types: tuple[str, ...] = ()
    violations: str = ""
    fields: tuple[str, ...] = ()

    @property
    def failures(self) -> tuple[str, ...]:
        """The closed set of error types."""
        if not self.outcome:
            return ()
        return tuple(dict.fromkeys((*self.error_types, UNKNOWN)))

    def observe(self, records: DataFrame) -> DataFrame:
        """The same rows and columns, counted on their way.

        Args:
            records: with the columns that are named above, and Kafka's `timestamp` TIMESTAMP.
        """
        elapsed = {
            f"{_PREFIX}{operation}": F.col(end) - F.col(start)
            for operation, (start, end) in self.operations.items()
        }
        # Clocks of two machines: the later one may be behind.
        age = F.unix_millis(self.finished) - F.unix_millis("timestamp")
        elapsed[f"{_PREFIX}age"] = F.greatest(F.lit(0), F.least(F.lit(LONGEST_MS), age))
        bounds = [bound / _NANOSECOND for bound in PROCESSING_BUCKETS]
        numbers = {
            f"{_PREFIX}{operation}_bucket": _bucket(f"{_PREFIX}{operation}", bounds)
            for operation in self.operations
        }
        age_bounds = [bound / _MILLISECOND for bound in END_TO_END_BUCKETS]
        numbers[f"{_PREFIX}age_bucket"] = _bucket(f"{_PREFIX}age", age_bounds)
        numbers[f"{_PREFIX}outcome"] = self._outcome_number()
        observed = records.withColumns(elapsed).withColumns(numbers)
        return observed.observe(NAME, *self._aggregates()).drop(*elapsed, *numbers)

    def read(self, row: Mapping[str, Any] | None) -> Observed:
        """The figures of a batch.

        Args:
            row: the observation's entry in `observedMetrics`; None for a batch without one.

        Raises:
            ValueError: it was not made by this observation.
        """
        values = row or {}
        outcomes = read_counts(values.get("outcome"), len(self.failures) + 1)
        # `vector_sum` gives null for a batch without a broken rule.
        counted = values.get("violations") or [0.0] * len(self.fields)
        return Observed(
            succeeded=outcomes[0],
            failed=dict(zip(self.failures, outcomes[1:], strict=True)),
            latencies={
                operation: _histogram(values, operation, len(PROCESSING_BUCKETS), _NANOSECOND)
                for operation in self.operations
            },
            end_to_end=_histogram(values, "age", len(END_TO_END_BUCKETS), _MILLISECOND),
            violations={name: int(count) for name, count in zip(self.fields, counted, strict=True)},
        )

    def _aggregates(self) -> list[Column]:
        aggregates = [count_numbers_col(f"{_PREFIX}outcome").alias("outcome")]
        for name in (*self.operations, "age"):
            aggregates.append(count_numbers_col(f"{_PREFIX}{name}_bucket").alias(f"{name}_buckets"))
            aggregates.append(F.sum(f"{_PREFIX}{name}").alias(f"{name}_sum"))
        if self.fields:
            aggregates.append(F.expr(f"vector_sum({self.violations})").alias("violations"))
        return aggregates

    def _outcome_number(self) -> Column:
        if not self.failures:
            return F.lit(0).cast("long")
        number = F.when(F.isnull(self.outcome), F.lit(0))
        for position, error_type in enumerate(self.failures, start=1):
            number = number.when(F.col(self.outcome) == error_type, F.lit(position))
        return number.otherwise(self.failures.index(UNKNOWN) + 1).cast("long")


def _bucket(column: str, bounds: list[float]) -> Column:
    return bucket_number_col(F.col(column), [round(bound) for bound in bounds])


def _histogram(row: Mapping[str, Any], name: str, buckets: int, unit: float) -> Histogram:
    counts = read_counts(row.get(f"{name}_buckets"), buckets + 1)
    return Histogram(tuple(counts), (row.get(f"{name}_sum") or 0) * unit)
