from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from stream_telemetry.batch.buckets import count_numbers_col, read_counts
from stream_telemetry.drift.counting import ONE_IN, ModelCounting, ModelCounts
from stream_telemetry.drift.reference import Category, Number, Reference

REFERENCE = Reference(
    # A name may hold what others take for a separator, or look like nothing.
    categories={
        "contract": Category({"a,b": 0.5, "": 0.3, "c": 0.2}),
        "unknown": Category({}),
        "city": Category({"x": 1.0}),
    },
    numbers={"tenure": Number((2.0, 6.5), (0.3, 0.3, 0.4)), "of_none": Number((), ())},
    threshold=0.32,
)
LABELS = ("No", "Yes")
ROWS: list[tuple[Any, ...]] = [
    # contract, city, tenure, score, label, whether it is good
    ("a,b", "x", 2.0, 0.1, "Yes", True),
    ("", "x", 6.5, 0.32, "No", True),
    ("c", None, 1.999, 0.0, None, True),
    ("b", "y", 7.0, 1.0, "Yes", True),
    (None, "x", None, 0.5, "Maybe", True),
    ("a,b", "x", math.nan, 0.31, "No", True),
    ("c", "x", -math.inf, 0.3, "No", True),
    ("c", "x", 3.0, math.nan, "No", False),
    (None, None, None, None, None, False),
]
COLUMNS = "contract string, city string, tenure double, score double, label string, is_good boolean"


def counted(rows: DataFrame, counting: ModelCounting, directory: Path) -> ModelCounts:
    """What a real streaming batch over these rows, in several partitions, tells."""
    rows.write.parquet(str(directory / "in"))
    stream = rows.sparkSession.readStream.schema(rows.schema).parquet(str(directory / "in"))
    names = [*counting.reference.categories, *counting.reference.numbers]
    features: Mapping[str, Any] = {n: F.col(n) for n in names if n in rows.columns}
    judged = stream.withColumns(
        {
            "cells": counting.cells_col(features),
            "label": counting.label_col(F.col("label")) if counting.labels else F.lit(0),
        }
    )
    figures = counting.figure_cols(F.col("score"), F.col("cells"), F.col("label"))
    assert tuple(figures) == counting.figures
    records = judged.select("is_good", *(c.alias(f"its_{name}") for name, c in figures.items()))
    kind = F.when(F.col("is_good"), F.col("its_kind"))
    records = records.withColumn("kind", kind)
    aggregates = {"kinds": count_numbers_col("kind")}
    aggregates |= counting.aggregates("its_", F.col("kind") >= 0)
    observed = records.observe("model", *(c.alias(name) for name, c in aggregates.items()))
    writer = observed.writeStream.format("noop")
    writer.option("checkpointLocation", str(directory / "checkpoint"))
    query = writer.trigger(availableNow=True).start()
    query.awaitTermination()
    assert query.lastProgress is not None
    row = query.lastProgress.observedMetrics["model"].asDict()
    counts = counting.read(read_counts(row["kinds"], counting.kinds), row)
    assert counts is not None
    return counts


@pytest.fixture(scope="module")
def made(spark: SparkSession) -> DataFrame:
    """The rows, at offsets that are all counted."""
    is_counted = F.hash("id").bitwiseAND(F.lit(ONE_IN - 1)) == 0
    offsets = spark.range(1000).where(is_counted).limit(len(ROWS)).collect()
    rows = [(*row, at.id) for row, at in zip(ROWS, offsets, strict=True)]
    return spark.createDataFrame(rows, f"{COLUMNS}, offset long").repartition(3)


@pytest.fixture(scope="module")
def counts(made: DataFrame, tmp_path_factory: pytest.TempPathFactory) -> ModelCounts:
    return counted(made, ModelCounting(REFERENCE, LABELS), tmp_path_factory.mktemp("counts"))


def test_each_value_of_a_feature_is_counted_whatever_it_is(counts: ModelCounts) -> None:
    found = {name: bins.tolist() for name, _, bins in REFERENCE.binned(counts.cells)}
    assert found == {
        "contract": [2, 1, 2, 2],  # the last are another one and null
        "city": [5, 2],
        # 1.999; 2.0; 6.5, 7.0 and NaN; null and what no number is below
        "tenure": [1, 1, 3, 2],
    }
    assert counts.records == counts.sampled == 7


def test_scores_decisions_and_labels_are_counted_together(counts: ModelCounts) -> None:
    found = {
        (int(label), int(decided), int(tenth)): int(counts.outcomes[label, decided, tenth])
        for label, decided, tenth in zip(*np.nonzero(counts.outcomes), strict=True)
    }
    assert found == {
        **{(2, 0, 1): 1, (1, 1, 3): 1, (0, 0, 0): 1, (2, 1, 10): 1, (0, 1, 5): 1},
        **{(1, 0, 3): 2},
    }
    labelled = [(0.1, 1), (0.32, 0), (1.0, 1), (0.31, 0), (0.3, 0)]
    scores = 0.1 + 0.32 + 1.0 + 0.5 + 0.31 + 0.3
    squared_errors = sum((score - label) ** 2 for score, label in labelled)
    assert counts.sums.tolist() == pytest.approx([scores, squared_errors])


@pytest.mark.parametrize("tenth", range(1, 11))
def test_a_bound_of_tenths_is_in_the_one_above_as_in_the_manifest(tenth: int) -> None:
    # As the plan computes it, with the same numbers.
    assert math.floor(tenth / 10 * 10) == tenth


def test_without_labels_and_shares_the_scores_alone_are_counted(
    made: DataFrame, tmp_path: Path
) -> None:
    bare = counted(made, ModelCounting(Reference()), tmp_path)
    assert bare.records == bare.sampled == 7
    assert bare.sums[0] == pytest.approx(2.53)
    assert bare.sums[1] == 0
    assert bare.outcomes[1:].sum() == 0


@pytest.mark.parametrize("step", [1, 2, 8])
def test_features_are_counted_of_a_part_of_the_records_and_scores_of_all(
    spark: SparkSession, tmp_path: Path, step: int
) -> None:
    size = 8000
    # Where transactions are of one record each, every second offset is none of a record.
    rows = spark.range(1, size * step, step, 2).select(
        *(F.lit("c").alias("contract"), F.lit("x").alias("city"), F.lit(3.0).alias("tenure")),
        *(F.lit(0.25).alias("score"), F.lit("Yes").alias("label"), F.lit(True).alias("is_good")),
        F.col("id").alias("offset"),
    )
    large = counted(rows, ModelCounting(REFERENCE, LABELS), tmp_path)
    assert large.records == pytest.approx(size, abs=1)
    assert large.sums[0] == large.records * 0.25
    assert large.sampled == pytest.approx(size / ONE_IN, rel=0.15)
    for _, _, bins in REFERENCE.binned(large.cells):
        assert max(bins) == large.sampled


def test_a_batch_without_rows_is_all_zeros() -> None:
    counting = ModelCounting(REFERENCE, LABELS)
    for row in ({}, dict.fromkeys(("model_scores", "model_cells"))):
        nothing = counting.read([0] * counting.kinds, row)
        assert nothing is not None
        assert nothing.records == nothing.sampled == 0
        assert nothing.cells.shape == counting.none.cells.shape


def test_counts_of_another_model_are_none_of_this_one() -> None:
    counting = ModelCounting(REFERENCE)
    assert counting.read([0] * counting.kinds, {"model_cells": [1.0, 2.0]}) is None
