"""What the plan itself says of its records: how long each step took and what became of them.

`observe()` carries aggregates to the driver with each batch's progress. It evaluates them by the
interpreter, so all expressions are computed in a projection before it, which Spark compiles, and
the aggregates are of plain columns (bench/telemetry_cost.py has what that costs).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from stream_telemetry.batch.buckets import (
    bucket_number_col,
    count_numbers_col,
    place_number_col,
    read_counts,
)
from stream_telemetry.batch.own_figures import OwnFigures
from stream_telemetry.batch.slowest import SlowRecord, place_cols, read_slowest, slower, slowest_col
from stream_telemetry.drift.counting import ModelCounting, ModelCounts
from stream_telemetry.metrics.bounds import END_TO_END_BUCKETS, PROCESSING_BUCKETS
from stream_telemetry.metrics.catalogue import UNKNOWN
from stream_telemetry.shadow.comparison import ShadowCounting, ShadowCounts

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

    def __add__(self, other: Histogram) -> Histogram:
        """Of the records of both."""
        counts = tuple(a + b for a, b in zip(self.counts, other.counts, strict=True))
        return Histogram(counts, self.total_seconds + other.total_seconds)


@dataclass(frozen=True)
class Observed:
    """The figures of one batch."""

    succeeded: int
    failed: Mapping[str, int]  # by error type
    latencies: Mapping[str, Histogram]  # by operation
    end_to_end: Histogram
    violations: Mapping[str, int] = field(default_factory=dict)  # by field
    model: ModelCounts | None = None
    shadow: ShadowCounts | None = None
    slowest: SlowRecord | None = None

    @property
    def records(self) -> int:
        """Records that were seen leaving."""
        return self.succeeded + sum(self.failed.values())

    def __add__(self, other: Observed) -> Observed:
        """Of the records of both, which one observation has seen in two places of a plan."""
        latencies = other.latencies
        return Observed(
            succeeded=self.succeeded + other.succeeded,
            failed=_added(self.failed, other.failed),
            latencies={name: one + latencies[name] for name, one in self.latencies.items()},
            end_to_end=self.end_to_end + other.end_to_end,
            violations=_added(self.violations, other.violations),
            model=self.model + other.model if self.model and other.model else None,
            shadow=self.shadow + other.shadow if self.shadow and other.shadow else None,
            slowest=slower(self.slowest, other.slowest),
        )


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
        model: counts the columns of `ModelCounting.figure_cols`, with `model_` before their names.
        shadow: counts the column `shadow`, of `ShadowCounting.record_col`, null for a bad record.
        places: where the plan counts, each with a name: a plan whose records come on several ways
            counts on each of them.
        own: what the plan tells besides, under names of its own.
        headers: name of the column with Kafka's headers, in which the slowest record's
            `traceparent` is looked for; empty when that record is not told.
    """

    operations: Mapping[str, tuple[str, str]]
    finished: str
    outcome: str = ""
    error_types: tuple[str, ...] = ()
    violations: str = ""
    fields: tuple[str, ...] = ()
    model: ModelCounting | None = None
    places: tuple[str, ...] = (NAME,)
    own: OwnFigures | None = None
    shadow: ShadowCounting | None = None
    headers: str = ""

    @property
    def failures(self) -> tuple[str, ...]:
        """The closed set of error types."""
        return tuple(dict.fromkeys((*self.error_types, UNKNOWN))) if self.outcome else ()

    def observe(self, records: DataFrame, place: str = NAME) -> DataFrame:
        """The same rows and columns, counted on their way.

        Args:
            records: with the columns that are named above, and Kafka's `timestamp` TIMESTAMP; where
                the slowest one is told, also `partition` INT and `offset` BIGINT.
            place: one of `places`.
        """
        counted = self.count(records.select("*", *self.figures()), place)
        return counted.select(*map(F.col, records.columns))

    def figures(self, computed: Mapping[str, Column] = MappingProxyType({})) -> list[Column]:
        """What is to be counted of a record, for a projection that a plan has anyway.

        Reads the columns that are named above, and Kafka's `timestamp` TIMESTAMP. The names of the
        figures begin with `_observed_`; a sink that takes the columns it knows can leave them.

        Args:
            computed: expressions for those of the columns that the plan does not have as columns.
        """
        figures = {"outcome": self._outcome_number(computed)}
        bounds = _whole(PROCESSING_BUCKETS, _NANOSECOND)
        for operation, (start, end) in self.operations.items():
            elapsed = F.col(end) - F.col(start)
            figures[operation] = elapsed
            figures[f"{operation}_bucket"] = bucket_number_col(elapsed, bounds)
        # Clocks of two machines: the later one may be behind.
        age = F.unix_millis(self.finished) - F.unix_millis("timestamp")
        figures["age"] = bounded = F.greatest(F.lit(0), F.least(F.lit(LONGEST_MS), age))
        figures["age_bucket"] = bucket_number_col(age, _whole(END_TO_END_BUCKETS, _MILLISECOND))
        if self.headers:
            figures |= place_cols(bounded)
        if self.fields:
            figures["violations"] = _given(self.violations, computed)
        # The first is counted as the outcome.
        for name in self.model.figures[1:] if self.model else ():
            figures[f"model_{name}"] = _given(f"model_{name}", computed)
        if self.shadow:
            figures["shadow"] = _given("shadow", computed)
        return [figure.alias(f"{_PREFIX}{name}") for name, figure in figures.items()]

    def count(self, records: DataFrame, place: str = NAME) -> DataFrame:
        """The same rows and columns; `records` have those of `figures`, and the headers."""
        return records.observe(place, *self._aggregates())

    def read_all(self, rows: Mapping[str, Mapping[str, Any]]) -> Observed:
        """The figures of a batch, of all places together; raises ValueError like `read`.

        Args:
            rows: `observedMetrics`; a batch may lack some.
        """
        first, *others = (self.read(rows.get(place)) for place in self.places)
        return sum(others, first)

    def read(self, row: Mapping[str, Any] | None) -> Observed:
        """The figures of a batch.

        Args:
            row: the observation's entry in `observedMetrics`; None for a batch without one.

        Raises:
            ValueError: it was not made by this observation.
        """
        values = row or {}
        kinds = self.model.kinds if self.model else 1
        outcomes = read_counts(values.get("outcome"), len(self.failures) + kinds)
        good = outcomes[len(self.failures) :]
        # `vector_sum` gives null for a batch without a broken rule.
        counted = values.get("violations") or [0.0] * len(self.fields)
        return Observed(
            succeeded=sum(good),
            failed=dict(zip(self.failures, outcomes, strict=False)),
            latencies={
                operation: _histogram(values, operation, len(PROCESSING_BUCKETS), _NANOSECOND)
                for operation in self.operations
            },
            end_to_end=_histogram(values, "age", len(END_TO_END_BUCKETS), _MILLISECOND),
            violations={name: int(count) for name, count in zip(self.fields, counted, strict=True)},
            model=self.model.read(good, values) if self.model else None,
            shadow=self.shadow.read(values) if self.shadow else None,
            slowest=read_slowest(values.get("slowest")),
        )

    def _aggregates(self) -> list[Column]:
        aggregates = [count_numbers_col(f"{_PREFIX}outcome").alias("outcome")]
        for name in (*self.operations, "age"):
            aggregates.append(count_numbers_col(f"{_PREFIX}{name}_bucket").alias(f"{name}_buckets"))
            aggregates.append(F.sum(f"{_PREFIX}{name}").alias(f"{name}_sum"))
        if self.headers:
            aggregates.append(slowest_col(_PREFIX, self.headers).alias("slowest"))
        if self.fields:
            aggregates.append(F.expr(f"vector_sum({_PREFIX}violations)").alias("violations"))
        named: dict[str, Column] = {}
        if self.model:
            is_good = F.col(f"{_PREFIX}outcome") >= len(self.failures)
            named |= self.model.aggregates(f"{_PREFIX}model_", is_good)
        if self.shadow:
            named |= self.shadow.aggregates(f"{_PREFIX}shadow")
        return aggregates + [column.alias(name) for name, column in named.items()]

    def _outcome_number(self, computed: Mapping[str, Column]) -> Column:
        """BIGINT: the place of the record's error type in `failures`, or one behind them all."""
        kind = _given("model_kind", computed) if self.model else F.lit(0)
        good = kind + F.lit(len(self.failures)).cast("long")
        if not self.failures:
            return good
        return place_number_col(_given(self.outcome, computed), self.failures, UNKNOWN, good)


def _given(name: str, computed: Mapping[str, Column]) -> Column:
    return computed.get(name, F.col(name))


def _whole(bounds: Sequence[float], unit: float) -> list[int]:
    return [round(bound / unit) for bound in bounds]


def _added(some: Mapping[str, int], others: Mapping[str, int]) -> dict[str, int]:
    return {name: count + others[name] for name, count in some.items()}


def _histogram(row: Mapping[str, Any], name: str, buckets: int, unit: float) -> Histogram:
    counts = read_counts(row.get(f"{name}_buckets"), buckets + 1)
    return Histogram(tuple(counts), (row.get(f"{name}_sum") or 0) * unit)
