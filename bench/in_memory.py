"""Customer events as Spark's Kafka source gives them, held in memory."""

from __future__ import annotations

from datetime import UTC, datetime

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from churn_tools.producer.source import synthetic_events, to_records

DISTINCT_RECORDS = 20_000
"""Made once and then repeated; more would only test the generator of customers."""

_KAFKA_COLUMNS = (
    "key BINARY, value BINARY, topic STRING, partition INT, offset BIGINT, timestamp TIMESTAMP, "
    "timestampType INT, headers ARRAY<STRUCT<key: STRING, value: BINARY>>"
)


def cached_records(spark: SparkSession, bad_ratio: float, copies: int) -> DataFrame:
    """`DISTINCT_RECORDS` records, each `copies` times, in one partition.

    A share of `bad_ratio` (0-1) is broken, in each of the ways of `churn_tools.customers.broken` in
    turn.

    Returns:
        The columns of Spark's Kafka source; `headers` is null: our producer sends none.
    """
    now = datetime.now(UTC)
    rows = [
        (record.key, record.value, "telco.raw.customers", 0, offset, now, 0, None)
        for offset, record in enumerate(
            to_records(synthetic_events(DISTINCT_RECORDS, seed=1), bad_ratio, seed=1)
        )
    ]
    copy = F.explode(F.sequence(F.lit(1), F.lit(copies)))
    once = spark.createDataFrame(rows, _KAFKA_COLUMNS).coalesce(1)
    records = once.withColumn("copy", copy).drop("copy").cache()
    records.count()
    return records
