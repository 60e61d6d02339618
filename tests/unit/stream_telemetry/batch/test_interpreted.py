from __future__ import annotations

from pyspark.sql import SparkSession

from stream_telemetry.batch.clock import nanoseconds_col
from stream_telemetry.batch.interpreted import data_col, let


def test_a_value_is_computed_once_however_often_it_is_used(spark: SparkSession) -> None:
    same = let(nanoseconds_col(), lambda now: now == now)
    assert spark.range(1000).coalesce(1).where(same).count() == 1000


def test_data_becomes_a_literal_of_its_type(spark: SparkSession) -> None:
    data = [{"name": "é\"'\\", "limits": [1.5, None]}, {"name": None}]
    kind = "array<struct<name:string,limits:array<double>>>"
    rows = spark.range(1).select(data_col(data, kind).alias("data"))
    assert rows.collect()[0].data == [("é\"'\\", [1.5, None]), (None, None)]
    assert "from_json" not in rows._jdf.queryExecution().optimizedPlan().toString()
