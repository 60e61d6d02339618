"""A model and its shadow compared by the plan itself, record by record."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from stream_telemetry.shadow.comparison import ShadowCounting, ShadowCounts

NO, YES, FAILED = range(3)
ROWS: list[tuple[Any, ...]] = [
    # score of the model, of the shadow, label (unknown, no, yes), whether it is good
    (0.9, 0.8, 2, True),
    (0.9, 0.59, 1, True),
    (0.1, 0.6, 2, True),
    (0.5, 0.0, 0, True),
    (0.49, 1.0, 0, True),
    (0.2, None, 1, True),
    (0.7, math.nan, 2, True),
    (0.7, 1.5, 0, True),
    (0.3, -0.1, 0, True),
    (0.9, 0.9, 2, False),
    (None, 0.9, 1, False),
]
COLUMNS = "score double, shadow double, label bigint, is_good boolean"


def counted(spark: SparkSession, counting: ShadowCounting, directory: Path) -> ShadowCounts:
    """What a real streaming batch over the rows, in several partitions, tells."""
    rows = spark.createDataFrame(ROWS, COLUMNS).repartition(3)
    rows.write.parquet(str(directory / "in"))
    stream = spark.readStream.schema(rows.schema).parquet(str(directory / "in"))
    record = counting.record_col(F.col("score"), F.col("shadow"), F.col("label"))
    records = stream.select(F.when(F.col("is_good"), record).alias("record"))
    aggregates = (c.alias(name) for name, c in counting.aggregates("record").items())
    writer = records.observe("shadow", *aggregates).writeStream.format("noop")
    writer.option("checkpointLocation", str(directory / "checkpoint"))
    query = writer.trigger(availableNow=True).start()
    query.awaitTermination()
    assert query.lastProgress is not None
    return counting.read(query.lastProgress.observedMetrics["shadow"].asDict())


def test_decisions_labels_and_distances_are_counted_of_good_records_alone(
    spark: SparkSession, tmp_path: Path
) -> None:
    counts = counted(spark, ShadowCounting(0.5, 0.6, has_labels=True), tmp_path)
    expected = {
        **{(2, YES, YES): 1, (1, YES, NO): 1, (2, NO, YES): 1, (0, YES, NO): 1, (0, NO, YES): 1},
        **{(1, NO, FAILED): 1, (2, YES, FAILED): 1, (0, YES, FAILED): 1, (0, NO, FAILED): 1},
    }
    found = {place: counts.outcomes[place] for place in expected}
    assert found == expected
    assert (counts.records, counts.scored, counts.labelled) == (9, 5, 3)
    assert (counts.positive, counts.disagreeing) == (3, 4)
    scores = 0.8 + 0.59 + 0.6 + 0.0 + 1.0
    differences = 0.1 + 0.31 + 0.5 + 0.5 + 0.51
    errors = 0.2**2 + 0.59**2 + 0.4**2
    assert counts.sums.tolist() == pytest.approx([scores, differences, errors])


def test_without_labels_no_label_is_read(spark: SparkSession, tmp_path: Path) -> None:
    counts = counted(spark, ShadowCounting(0.5, 0.6), tmp_path)
    assert (counts.records, counts.scored, counts.labelled) == (9, 5, 0)
    assert counts.sums[2] == 0


def test_counts_can_be_added_and_taken_away_again() -> None:
    counting = ShadowCounting(0.5, 0.5)
    some = ShadowCounts(counting.none.outcomes + 1, counting.none.sums + 0.5)
    assert (some + some).records == 2 * some.records == 36
    assert (some + some - some).sums.tolist() == some.sums.tolist()


def test_a_batch_without_rows_is_all_zeros() -> None:
    for row in ({}, dict.fromkeys(("shadow_numbers", "shadow_scores"))):
        nothing = ShadowCounting(0.5, 0.5, has_labels=True).read(row)
        assert (nothing.records, nothing.scored, nothing.sums.sum()) == (0, 0, 0)
