"""The Kafka ends of the query: records read, records written."""

from __future__ import annotations

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.readwriter import DataStreamWriter

from telco_churn.settings.job import Settings

QUERY_NAME = "churn"
"""The query's name, in Spark's pages and in its events."""

# Larger, compressed batches, for 20 ms at most; bench/throughput.py compares them.
_BATCHED_PRODUCER = {
    "kafka.compression.type": "lz4",
    "kafka.linger.ms": "20",
    "kafka.batch.size": "262144",
}
_PROMPT_PRODUCER = {"kafka.compression.type": "lz4", "kafka.linger.ms": "0"}
# How long a task looks for a topic that was deleted; it tries three times (spark.master).
_PRODUCER = {"kafka.max.block.ms": "20000"}


def read_records(spark: SparkSession, settings: Settings) -> DataFrame:
    """The input topic as a stream: Kafka's columns, `headers` among them."""
    reader = (
        spark.readStream.format("kafka")
        .option("kafka.bootstrap.servers", settings.broker)
        .option("subscribe", settings.input_topic)
        .option("startingOffsets", settings.starting_offsets)
        .option("groupIdPrefix", settings.consumer_group)
        .option("includeHeaders", "true")
        # What a producer took back never happened.
        .option("kafka.isolation.level", "read_committed")
        .option("failOnDataLoss", str(settings.on_data_loss == "fail").lower())
    )
    if settings.trigger.mode != "realtime":
        reader = reader.option("maxOffsetsPerTrigger", settings.max_offsets_per_trigger)
    return reader.load()


def write_records(records: DataFrame, settings: Settings) -> DataStreamWriter:
    """A writer of `records` (`key`, `value`, `topic`, `headers`), trigger and checkpoint set."""
    is_prompt = settings.trigger.mode == "realtime"
    writer = (
        records.writeStream.format("kafka")
        .queryName(QUERY_NAME)
        .option("kafka.bootstrap.servers", settings.broker)
        .option("checkpointLocation", settings.checkpoint)
        .options(**_PRODUCER, **(_PROMPT_PRODUCER if is_prompt else _BATCHED_PRODUCER))
    )
    return settings.trigger.apply(writer)
