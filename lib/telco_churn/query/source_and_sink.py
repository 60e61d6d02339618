"""The Kafka ends of the query: records read, records written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.query import StreamingQuery
from pyspark.sql.streaming.readwriter import DataStreamWriter

from stream_telemetry.run.causes import SPARK_ERRORS, root_cause
from telco_churn import QUERY_NAME
from telco_churn.errors import QueryFailedError
from telco_churn.query.settings import (
    CheckpointSettings,
    GroupSettings,
    ReadSettings,
    TopicSettings,
)

# Larger, compressed batches, for 20 ms at most; bench/throughput.py compares them.
_BATCHED_PRODUCER = {
    "kafka.compression.type": "lz4",
    "kafka.linger.ms": "20",
    "kafka.batch.size": "262144",
}
_PROMPT_PRODUCER = {"kafka.compression.type": "lz4", "kafka.linger.ms": "0"}
# A client that knows only brokers that are away asks the bootstrap servers again: without it
# (KIP-899) a wrong address that a broker once gave is kept for as long as the client lives.
_CLIENT = {"kafka.metadata.recovery.strategy": "rebootstrap"}
# On a slow link an answer that does not get through within the time for a request is asked for
# again, for ever. Smaller ones do; but a producer's batch, of up to 1 MB, comes as a whole. All
# tasks share the link, and their questions about offsets wait behind the records. A connection
# that has died unseen is made anew before the task is given up.
_CONSUMER = {
    "kafka.max.partition.fetch.bytes": "262144",
    "kafka.request.timeout.ms": "120000",
    "kafka.default.api.timeout.ms": "300000",
    "kafkaConsumer.pollTimeoutMs": "300000",
}
# A sink that is slow is waited for: what a task gives up, the next one writes again from the
# beginning. A topic that is gone or refuses is found by those who look while no batch ends.
_PRODUCER = {
    "kafka.delivery.timeout.ms": "900000",
    "kafka.max.block.ms": "900000",
    # What waits to be sent, of all tasks in a JVM together. All of it has to get through within
    # that time, so this sets the slowest sink: 10 kB/s.
    "kafka.buffer.memory": "8388608",
    # A request of 1 MB, the largest, has to get through as well.
    "kafka.request.timeout.ms": "120000",
}

_GENERATED, _SHARED = (
    "spark.sql.codegen.factoryMode",
    "spark.sql.subexpressionElimination.enabled",
)
INTERPRETED = {_GENERATED: "NO_CODEGEN", _SHARED: "false"}
"""Settings of Spark SQL under which a task begins soon: no source is written, no tree compared."""
COMPILED = {_GENERATED: "FALLBACK", _SHARED: "true"}
"""Those under which a record is cheap."""


@dataclass(frozen=True)
class KafkaEnds:
    """Where the query reads and writes, and how.

    Attributes:
        client: settings of Kafka's Java client, without secrets; looked at with each start.
        topics: only the one that is read is looked at; each record says where it goes.
        reading: trigger, first offsets, and what to do about offsets that are gone.
        group: its name begins those of the groups that Spark makes for itself.
        checkpoint: of the query.
    """

    client: Mapping[str, str]
    topics: TopicSettings
    reading: ReadSettings
    group: GroupSettings
    checkpoint: CheckpointSettings

    def start(
        self, spark: SparkSession, transform: Callable[[DataFrame], DataFrame]
    ) -> StreamingQuery:
        """The running query, which writes what `transform` makes of the records that it reads.

        Raises:
            QueryFailedError: Spark refuses to start it.
        """
        for name, value in self.evaluation.items():
            spark.conf.set(name, value)
        records = self.read(spark).transform(transform)
        try:
            return self.write(records).start()
        except SPARK_ERRORS as error:
            raise QueryFailedError(f"the query does not start: {root_cause(error)}") from error

    @property
    def evaluation(self) -> dict[str, str]:
        """How Spark is to evaluate expressions: interpreted where batches are small.

        To write Java source for each batch, and to let the JVM compile it, costs more than it saves
        on a few records; so does the search for expressions that could share a result. On a
        backlog, or in real-time mode's long batches, it is the other way round
        (bench/small_batches.py, bench/plan_cost.py).
        """
        return INTERPRETED if self.reading.trigger.is_interval else COMPILED

    def read(self, spark: SparkSession, topic: str | None = None) -> DataFrame:
        """The input topic as a stream, or another one: Kafka's columns, `headers` among them."""
        reader = (
            spark.readStream.format("kafka")
            .options(**self._access)
            .options(**_CLIENT, **_CONSUMER)
            .option("subscribe", topic or self.topics.input_topic)
            .option("startingOffsets", self.reading.starting_offsets)
            .option("groupIdPrefix", self.group.consumer_group)
            .option("includeHeaders", "true")
            # What a producer took back never happened.
            .option("kafka.isolation.level", "read_committed")
            .option("failOnDataLoss", str(not self.reading.accepts_loss).lower())
        )
        if not self.reading.trigger.is_realtime:
            reader = reader.option("maxOffsetsPerTrigger", self.reading.max_offsets_per_trigger)
        return reader.load()

    def write(self, records: DataFrame) -> DataStreamWriter:
        """A writer of `records` (`key`, `value`, `topic`, `headers`), trigger and all set."""
        producer = _PROMPT_PRODUCER if self.reading.trigger.is_realtime else _BATCHED_PRODUCER
        writer = (
            records.writeStream.format("kafka")
            .queryName(QUERY_NAME)
            .options(**self._access)
            .option("checkpointLocation", self.checkpoint.checkpoint)
            .options(**_CLIENT, **_PRODUCER, **producer)
        )
        return self.reading.trigger.apply(writer)

    @property
    def _access(self) -> dict[str, str]:
        return {f"kafka.{name}": value for name, value in self.client.items()}
