"""Clocks that are read once for each record, inside the plan.

`current_timestamp()` is one value for a whole micro-batch. These call the JVM for every row; they
are non-deterministic, so the optimizer neither folds them nor moves work across them.
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F


def nanoseconds_col() -> Column:
    """BIGINT: nanoseconds of the executor's monotonic clock; only differences mean something."""
    return F.java_method(F.lit("java.lang.System"), F.lit("nanoTime")).cast("long")


def wall_clock_col() -> Column:
    """TIMESTAMP: the executor's clock when this row passes, to the millisecond."""
    now = F.java_method(F.lit("java.lang.System"), F.lit("currentTimeMillis"))
    return F.timestamp_millis(now.cast("long"))


def milliseconds_between_col(start: str, end: str) -> Column:
    """DOUBLE: milliseconds from one nanosecond column to another."""
    return (F.col(end) - F.col(start)) / F.lit(1e6)
