"""The Kafka ends of the job: topics are checked, records read, records written."""

from __future__ import annotations

from collections.abc import Sequence

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.readwriter import DataStreamWriter

from telco_churn.errors import KafkaUnavailableError, SettingsError
from telco_churn.settings import Settings

CONNECT_TIMEOUT_SECONDS = 10.0
QUERY_NAME = "churn"
"""The query's name, in Spark's pages and in its events."""

# Larger, compressed batches, for 20 ms at most; bench/throughput.py compares them.
_BATCHED_PRODUCER = {
    "kafka.compression.type": "lz4",
    "kafka.linger.ms": "20",
    "kafka.batch.size": "262144",
}
_PROMPT_PRODUCER = {"kafka.compression.type": "lz4", "kafka.linger.ms": "0"}


def count_partitions(broker: str, topics: Sequence[str]) -> dict[str, int]:
    """The number of partitions of each topic.

    Raises:
        KafkaUnavailableError: no broker answers, or a topic is missing.
    """
    # librdkafka's own lines would repeat every second what the error below says once.
    client = AdminClient({"bootstrap.servers": broker, "log_level": 0}, error_cb=lambda error: None)
    try:
        known = client.list_topics(timeout=CONNECT_TIMEOUT_SECONDS).topics
    except KafkaException as error:
        raise KafkaUnavailableError(
            f"no Kafka broker answers at {broker} within {CONNECT_TIMEOUT_SECONDS:.0f} s "
            f"({error.args[0].str()}); start it, or set --broker"
        ) from error
    if missing := [topic for topic in topics if topic not in known]:
        raise KafkaUnavailableError(
            f"topic {missing[0]} does not exist on {broker}; create it with: kafka-topics.sh "
            f"--bootstrap-server {broker} --create --topic {missing[0]} --partitions 3"
        )
    return {topic: len(known[topic].partitions) for topic in topics}


def check_topics(settings: Settings) -> int:
    """The number of partitions of the input topic, once all three topics are known to exist.

    Raises:
        KafkaUnavailableError: no broker answers, or a topic is missing.
        SettingsError: two of the topics are one.
    """
    topics = [settings.input_topic, settings.output_topic, settings.deadletter_topic]
    if len(set(topics)) < len(topics):
        raise SettingsError(f"topics {', '.join(topics)}: all three must differ")
    return count_partitions(settings.broker, topics)[settings.input_topic]


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
        .options(**(_PROMPT_PRODUCER if is_prompt else _BATCHED_PRODUCER))
    )
    return settings.trigger.apply(writer)
