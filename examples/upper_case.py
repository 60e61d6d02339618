"""Writes a topic's records to another one in upper case, and shows what it does.

    spark-submit --packages org.apache.spark:spark-sql-kafka-0-10_2.13:4.2.0 --py-files lib.zip \
        examples/upper_case.py BROKER SOURCE TARGET CHECKPOINT METRICS_PORT

It has nothing to do with churn: docs/reuse.md explains which of its lines are about telemetry.
"""

from __future__ import annotations

import sys

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from stream_telemetry.batch.clock import nanoseconds_col, wall_clock_col
from stream_telemetry.batch.observation import Observation
from stream_telemetry.outlets.settings import ExporterSettings
from stream_telemetry.stream import Outlets, Stream
from stream_telemetry.telemetry import Telemetry

NAME = "upper-case"


def main(broker: str, source: str, target: str, checkpoint: str, port: str) -> None:
    """Runs until it is stopped."""
    observation = Observation(operations={"total": ("started_ns", "ended_ns")}, finished="ended_ts")
    stream = Stream(
        query=NAME, topic=source, broker=broker, consumer_group=NAME, checkpoint=checkpoint
    )
    outlets = Outlets(exporter=ExporterSettings(metrics_port=int(port)))
    with Telemetry(stream, observation, outlets) as telemetry:
        spark = SparkSession.builder.appName(NAME).getOrCreate()
        records = (
            spark.readStream.format("kafka")
            .option("kafka.bootstrap.servers", broker)
            .option("subscribe", source)
            .option("startingOffsets", "earliest")
            .load()
            .withColumn("started_ns", nanoseconds_col())
            .withColumn("value", F.upper(F.col("value").cast("string")))
            .withColumns({"ended_ns": nanoseconds_col(), "ended_ts": wall_clock_col()})
            .transform(observation.observe)
            .select("key", "value")
        )
        writer = (
            records.writeStream.format("kafka")
            .queryName(NAME)
            .option("kafka.bootstrap.servers", broker)
            .option("topic", target)
            .option("checkpointLocation", checkpoint)
            .trigger(processingTime="1 second")
        )
        telemetry.run(spark, writer.start)


if __name__ == "__main__":
    main(*sys.argv[1:])
