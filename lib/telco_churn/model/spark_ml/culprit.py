"""Which stage it is that makes a pipeline unfit, once it is known to be so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

import numpy as np
from pyspark.ml import PipelineModel
from pyspark.ml.linalg import DenseVector, SparseVector
from pyspark.sql import DataFrame, Row

from stream_telemetry.run.causes import SPARK_ERRORS


def culprit(
    pipeline: PipelineModel, customers: DataFrame, name: str, whole: Collection[str]
) -> str:
    """The UID of the first stage that throws, drops or repeats a row, or loses a value.

    Args:
        pipeline: that was tried.
        customers: to whom it did not give what it should.
        name: the column that tells them apart.
        whole: those who lack nothing, so that null and NaN are the stage's own.

    Returns:
        Empty if it is no stage alone.
    """
    rows = customers
    everybody = {row[name]: 1 for row in customers.select(name).collect()}
    for stage in pipeline.stages:
        known = rows.columns
        try:
            rows = stage.transform(rows)
            made = [column for column in rows.columns if column not in known]
            found = rows.select(name, *made).collect()
        except SPARK_ERRORS:
            return stage.uid
        is_lost = any(row[name] in whole and _is_lost(row, made) for row in found)
        if is_lost or Counter(row[name] for row in found) != everybody:
            return stage.uid
    return ""


def _is_lost(row: Row, columns: Sequence[str]) -> bool:
    return any(_is_missing(row[column]) for column in columns)


def _is_missing(value: object) -> bool:
    if isinstance(value, DenseVector | SparseVector):
        return bool(np.isnan(value.toArray()).any())
    return value is None or value != value  # NaN alone differs from itself
