"""Copies key and value from Kafka to Kafka with the job's options: as fast as Spark can go.

`--plain` leaves all settings of the Kafka clients as they are by default, and reads what there is
in one batch; without it both ends are the job's own.
"""

from __future__ import annotations

import argparse
import os

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming.query import StreamingQuery

from telco_churn.query.session import start_session
from telco_churn.query.source_and_sink import KafkaEnds
from telco_churn.settings.job import Settings
from telco_churn.settings.resolve import read_settings


def start_plain(spark: SparkSession, settings: Settings) -> StreamingQuery:
    """The query between Kafka's ends as Spark has them by default."""
    servers = ("kafka.bootstrap.servers", settings.kafka.broker)
    reader = spark.readStream.format("kafka").option(*servers)
    reader = reader.option("startingOffsets", settings.reading.starting_offsets)
    records = reader.option("subscribe", settings.topics.input_topic).load()
    writer = copied(records, settings).writeStream.format("kafka").option(*servers)
    writer = writer.option("checkpointLocation", settings.checkpoint.checkpoint)
    return settings.reading.trigger.apply(writer).start()


def copied(records: DataFrame, settings: Settings) -> DataFrame:
    """Key and value of `records`, for the output topic."""
    return records.select("key", "value", F.lit(settings.topics.output_topic).alias("topic"))


def main() -> None:
    """Runs until all is read, or until it is ended, as the trigger says."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--plain", action="store_true")
    variant, arguments = parser.parse_known_args()
    settings = read_settings(arguments, os.environ)
    spark = start_session(limit=600)
    if variant.plain:
        query = start_plain(spark, settings)
    else:
        kafka, topics, reading = settings.kafka, settings.topics, settings.reading
        ends = KafkaEnds(kafka.jvm_client, topics, reading, settings.group, settings.checkpoint)
        query = ends.start(spark, lambda records: copied(records, settings))
    query.awaitTermination()
    spark.stop()


if __name__ == "__main__":
    main()
