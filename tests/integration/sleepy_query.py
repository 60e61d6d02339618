"""A query that falls asleep over the record `sleep`: BROKER TOPIC CHECKPOINT PORT STALL_SECONDS."""

from __future__ import annotations

import sys

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from stream_telemetry.batch.clock import nanoseconds_col, wall_clock_col
from stream_telemetry.batch.observation import Observation
from stream_telemetry.health import Limits
from stream_telemetry.outlets.settings import ExporterSettings
from stream_telemetry.stream import Outlets, Stream
from stream_telemetry.telemetry import Telemetry

NAME = "sleepy"


def main(broker: str, topic: str, checkpoint: str, port: str, stall: str) -> None:
    observation = Observation(operations={"total": ("started_ns", "ended_ns")}, finished="ended_ts")
    stream = Stream(
        query=NAME, topic=topic, broker=broker, consumer_group=NAME, checkpoint=checkpoint
    )
    limits = Limits(stall=float(stall))
    sleep = "java_method('java.lang.Thread', 'sleep', 600000L)"
    outlets = Outlets(exporter=ExporterSettings(metrics_port=int(port)))
    with Telemetry(stream, observation, outlets, limits=limits) as telemetry:
        spark = SparkSession.builder.appName(NAME).getOrCreate()
        records = (
            spark.readStream.format("kafka")
            .option("kafka.bootstrap.servers", broker)
            .option("subscribe", topic)
            .option("startingOffsets", "earliest")
            .load()
            .withColumn("started_ns", nanoseconds_col())
            .withColumn("slept", F.when(F.col("value").cast("string") == "sleep", F.expr(sleep)))
            .withColumns({"ended_ns": nanoseconds_col(), "ended_ts": wall_clock_col()})
            .transform(observation.observe)
            .select("slept")
        )
        writer = (
            records.writeStream.format("noop")
            .queryName(NAME)
            .option("checkpointLocation", checkpoint)
            .trigger(processingTime="1 second")
        )
        telemetry.run(spark, writer.start)


if __name__ == "__main__":
    main(*sys.argv[1:])
