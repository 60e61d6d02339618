from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from stream_telemetry.batch.buckets import (
    MAX_NUMBERS,
    bucket_number_col,
    count_numbers_col,
    read_counts,
)
from stream_telemetry.batch.observation import LONGEST_MS, NAME, Observation, Observed
from stream_telemetry.batch.progress import read_positions
from stream_telemetry.batch.slowest import SlowRecord, Span
from stream_telemetry.metrics.bounds import END_TO_END_BUCKETS, PROCESSING_BUCKETS

FIELDS = ("tenure", "message", "unknown")
ERROR_TYPES = ("validation_error", "inference_error")
OBSERVATION = Observation(
    operations={"step": ("started_ns", "ended_ns"), "total": ("zero_ns", "ended_ns")},
    finished="finished",
    outcome="error_type",
    error_types=ERROR_TYPES,
    violations="violation_counts",
    fields=FIELDS,
)


def records(spark: SparkSession, rows: int) -> DataFrame:
    """Rows whose durations hit every bucket, its bound and the nanosecond beside it."""
    bounds = [round(bound * 1e9) for bound in PROCESSING_BUCKETS]
    edges = F.array(*(F.lit(bound + d) for bound in bounds for d in (-1, 0, 1)))
    ages = [round(bound * 1e3) for bound in END_TO_END_BUCKETS]
    age_edges = F.array(*(F.lit(bound + d) for bound in ages for d in (-1, 0, 1)))
    row = F.col("id")
    kinds = F.array(
        *(F.lit(kind).cast("string") for kind in (None, *ERROR_TYPES, "never_heard_of"))
    )
    return spark.range(rows).select(
        "id",
        F.lit(0).cast("long").alias("zero_ns"),
        (row * 3).alias("started_ns"),
        (row * 3 + F.get(edges, (row % (3 * len(bounds))).cast("int"))).alias("ended_ns"),
        F.timestamp_millis(F.lit(1_700_000_000_000)).alias("timestamp"),
        F.timestamp_millis(
            F.lit(1_700_000_000_000) + F.get(age_edges, (row % (3 * len(ages))).cast("int"))
        ).alias("finished"),
        F.get(kinds, (row % 4).cast("int")).alias("error_type"),
        F.when(row % 4 == 1, F.array(*(F.lit(float(n)).cast("float") for n in (1, 0, 2)))).alias(
            "violation_counts"
        ),
    )


def one_batch(
    spark: SparkSession, source: DataFrame, directory: Path, observation: Observation = OBSERVATION
) -> Observed:
    """What a real streaming batch over these rows, in several partitions, tells."""
    source.repartition(4).write.parquet(str(directory / "in"))
    query = (
        spark.readStream.schema(source.schema)
        .parquet(str(directory / "in"))
        .repartition(5)
        .transform(observation.observe)
        .writeStream.format("noop")
        .option("checkpointLocation", str(directory / "checkpoint"))
        .trigger(availableNow=True)
        .start()
    )
    query.awaitTermination()
    progress = query.lastProgress
    assert progress is not None
    return observation.read(progress.observedMetrics[NAME].asDict())


def plain_counts(values: Sequence[int], bounds: Sequence[float], per_second: float) -> list[int]:
    limits = [round(bound * per_second) for bound in bounds]
    numbers = [sum(limit < value for limit in limits) for value in values]
    return [numbers.count(number) for number in range(len(bounds) + 1)]


def test_histograms_and_counts_from_the_plan_are_exact(spark: SparkSession, tmp_path: Path) -> None:
    source = records(spark, 1500)
    observed = one_batch(spark, source, tmp_path)
    rows = source.collect()

    steps = [row.ended_ns - row.started_ns for row in rows]
    step = observed.latencies["step"]
    assert list(step.counts) == plain_counts(steps, PROCESSING_BUCKETS, 1e9)
    assert min(step.counts) > 0
    assert step.total_seconds == pytest.approx(sum(steps) / 1e9, rel=1e-12)
    totals = [row.ended_ns for row in rows]
    total = observed.latencies["total"]
    assert list(total.counts) == plain_counts(totals, PROCESSING_BUCKETS, 1e9)

    ages = [round((row.finished - row.timestamp).total_seconds() * 1000) for row in rows]
    assert list(observed.end_to_end.counts) == plain_counts(ages, END_TO_END_BUCKETS, 1e3)
    assert observed.end_to_end.total_seconds == pytest.approx(sum(ages) / 1e3)

    assert observed.succeeded == 375
    expected = {"validation_error": 375, "inference_error": 375, "unknown_error": 375}
    assert observed.failed == expected
    assert observed.violations == {"tenure": 375, "message": 0, "unknown": 750}
    assert observed.records == 1500


def test_timestamps_that_make_no_sense_count_as_the_nearest_that_do(
    spark: SparkSession, tmp_path: Path
) -> None:
    odd = records(spark, 3).withColumn(
        "timestamp",
        F.get(
            F.array(
                F.timestamp_millis(F.lit(0)),
                F.timestamp_millis(F.lit(8_000_000_000_000_000)),
                F.lit(None).cast("timestamp"),
            ),
            F.col("id").cast("int"),
        ),
    )
    ages = one_batch(spark, odd, tmp_path).end_to_end
    assert sum(ages.counts) == 3
    assert ages.counts[0] == 1
    assert ages.counts[-1] == 2
    assert ages.total_seconds == 2 * LONGEST_MS / 1000


def test_a_query_without_outcomes_and_rules_counts_its_records(
    spark: SparkSession, tmp_path: Path
) -> None:
    plain = Observation(operations={"total": ("zero_ns", "ended_ns")}, finished="finished")
    observed = one_batch(spark, records(spark, 20), tmp_path, plain)
    assert (observed.succeeded, observed.failed, observed.violations) == (20, {}, {})


def with_places(source: DataFrame, slowest: int) -> DataFrame:
    """With partitions, offsets and headers; the rows from number `slowest` on are equally old."""
    trace, span = (F.format_string(f"%0{width}x", F.col("id") + 1) for width in (32, 16))
    parent = F.concat(F.lit("00-"), trace, F.lit("-"), span, F.lit("-01")).cast("binary")
    other = F.struct(F.lit("other").alias("key"), F.lit(b"\xff").alias("value"))
    header = F.struct(F.lit("traceparent").alias("key"), parent.alias("value"))
    return source.withColumns(
        {
            "partition": (F.col("id") % 3).cast("int"),
            "offset": F.lit(10**12) + F.col("id"),
            "finished": F.timestamp_millis(
                F.unix_millis("timestamp") + F.least(F.col("id"), F.lit(slowest)) * 100
            ),
            "headers": F.when(F.col("id") % 2 == 1, F.array(other, header, other)),
        }
    )


def test_the_slowest_record_is_told_with_its_trace(spark: SparkSession, tmp_path: Path) -> None:
    told = replace(OBSERVATION, headers="headers")
    for slowest in (41, 42):
        source = with_places(records(spark, 50), slowest)
        observed = one_batch(spark, source, tmp_path / str(slowest), told)
        span = Span(f"{slowest + 1:032x}", f"{slowest + 1:016x}") if slowest % 2 else None
        first = SlowRecord(slowest / 10, slowest % 3, 10**12 + slowest, span)
        assert observed.slowest == first
        assert observed.records == 50


def test_a_batch_without_rows_is_all_zeros() -> None:
    for row in (None, {}, {"outcome": None, "step_sum": None, "violations": None}):
        observed = OBSERVATION.read(row)
        assert observed.records == 0
        assert sum(observed.end_to_end.counts) == 0
        assert observed.violations == dict.fromkeys(FIELDS, 0)


def test_observing_leaves_rows_and_columns_as_they_are(spark: SparkSession) -> None:
    source = records(spark, 10)
    assert OBSERVATION.observe(source).columns == source.columns


def test_no_two_numbers_share_a_counter(spark: SparkSession) -> None:
    numbers = spark.range(MAX_NUMBERS).selectExpr("explode(sequence(0, id)) AS number")
    sketch = numbers.agg(count_numbers_col("number")).first()
    assert sketch is not None
    assert read_counts(sketch[0], MAX_NUMBERS) == list(range(MAX_NUMBERS, 0, -1))


def test_a_sketch_that_could_mislead_is_refused(spark: SparkSession) -> None:
    numbers = spark.range(3)
    sketch = numbers.agg(count_numbers_col("id")).first()
    other = numbers.agg(F.count_min_sketch("id", F.lit(0.02), F.lit(0.9), F.lit(1))).first()
    assert sketch is not None
    assert other is not None
    with pytest.raises(ValueError, match="ambiguous"):
        read_counts(sketch[0], 2)
    with pytest.raises(ValueError, match="understood"):
        read_counts(other[0], 3)


def test_null_is_beyond_the_last_bound(spark: SparkSession) -> None:
    number = bucket_number_col(F.lit(None).cast("long"), [1, 2])
    assert spark.range(1).select(number).first() == (2,)


def test_positions_are_read_from_sparks_offsets() -> None:
    assert read_positions('{"t":{"0":5,"1":7}}') == {("t", 0): 5, ("t", 1): 7}
    assert read_positions(None) == {}
    with pytest.raises(ValueError, match="Kafka source"):
        read_positions("[1]")
