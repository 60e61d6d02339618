"""The running query: where it reads, what it keeps, and which failures end it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from pyspark.errors import StreamingQueryException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from churn_tools.labels.label_plan import LabelPlan
from churn_tools.labels.settings import MeasuringSettings
from stream_telemetry.broker.admin import AdminError, JvmAdmin
from stream_telemetry.broker.topic_watch import TopicWatch
from stream_telemetry.checkpoint.identity import SourceIdentity
from stream_telemetry.run.alarm import Alarm
from stream_telemetry.run.causes import SPARK_ERRORS, causes_of, root_cause
from stream_telemetry.run.oversight import Oversight
from stream_telemetry.security.live_client import LiveClient
from telco_churn.errors import (
    KafkaUnavailableError,
    QueryFailedError,
    TopicError,
)
from telco_churn.lasting import LOGIN, TOPIC, lasting_among
from telco_churn.query.checkpoint import Checkpoint
from telco_churn.query.failures import end_for_good
from telco_churn.query.source_and_sink import COMPILED, KafkaEnds
from telco_churn.query.topic_checks import check_there

NAME = "label-accuracy"
"""The query's name, and that of its log."""
_PARTITIONS = "spark.sql.shuffle.partitions"
_STATE = {
    # On disk, and only as much of it in memory as the cache takes, which all partitions share.
    "spark.sql.streaming.stateStore.providerClass": (
        "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider"
    ),
    "spark.sql.streaming.stateStore.rocksdb.boundedMemoryUsage": "true",
    "spark.sql.streaming.stateStore.rocksdb.maxMemoryUsageMB": "256",
    # Writes what has changed, not all that is kept, with each batch.
    "spark.sql.streaming.stateStore.rocksdb.changelogCheckpointing.enabled": "true",
    # Both sides have the batches' own clock: a topic that is silent must not hold it up.
    "spark.sql.streaming.multipleWatermarkPolicy": "max",
    # The clock goes on with each batch, and each would be followed by an empty one.
    "spark.sql.streaming.noDataMicroBatches.enabled": "false",
}
_USUAL_PARTITIONS = "4"


def keep_state(spark: SparkSession) -> None:
    """Sets how the session's queries keep what they wait with."""
    for name, value in {**COMPILED, **_STATE}.items():
        spark.conf.set(name, value)
    # Spark's default, 200, is 200 small stores for each of the plan's two operators.
    if not spark.sparkContext.getConf().contains(_PARTITIONS):
        spark.conf.set(_PARTITIONS, _USUAL_PARTITIONS)


@dataclass(frozen=True)
class LabelQuery:
    """The query of one run.

    Attributes:
        settings: all of them.
        plan: what it does.
        checkpoint: locked by this run.
        access: Kafka's settings for Java.
        admin: asked who the topics are.
        alarm: ends the run with what another thread has found.
    """

    settings: MeasuringSettings
    plan: LabelPlan
    checkpoint: Checkpoint
    access: LiveClient
    admin: JvmAdmin
    alarm: Alarm

    def begin(self) -> None:
        """Makes the checkpoint this query's own; raises like `Checkpoint.begin`."""
        self.checkpoint.begin(self.source())

    def start(self, spark: SparkSession) -> StreamingQuery:
        """The running query.

        Raises:
            QueryFailedError: Spark refuses to start it.
            CheckpointLostError: it would begin anew.
        """
        topics, reading = self.settings.read_topics, self.settings.reading
        ends = KafkaEnds(
            *(self.access, self.settings.topics, reading),
            *(self.settings.group, self.settings.checkpoint),
        )
        counted = self.plan.transform(*(ends.read(spark, topic) for topic in topics))
        try:
            return self.checkpoint.start(self._writer(counted))
        except SPARK_ERRORS as error:
            raise QueryFailedError(f"the query does not start: {root_cause(error)}") from error

    def oversight(self) -> Oversight:
        """What ends the run: failures that no restart mends, and topics that were made anew."""
        return Oversight(
            triage=self._ensure_it_can_pass,
            on_silence=self._look_again,
            alarm=self.alarm,
            watch=TopicWatch(
                self._begun_on(),
                lambda: self.admin.topics(self.settings.read_topics),
                partial(end_for_good, self.checkpoint, self.alarm),
                goes_back=self.checkpoint.accepts_loss,
            ),
        )

    def source(self) -> SourceIdentity:
        """Which topics they are now, as one; what the broker does not tell is left out."""
        topics = self.settings.read_topics
        try:
            known = self.admin.topics(topics)
            ids = [known[topic].id for topic in topics]
            together = ",".join(filter(None, ids)) if all(ids) else None
            return SourceIdentity(self.admin.cluster_id(), ",".join(topics), together)
        except AdminError:
            return SourceIdentity(None, ",".join(topics), None)

    def failed(self, error: StreamingQueryException) -> QueryFailedError:
        """The error for a query that failed more often than it may."""
        log = self.settings.log.of_jvm
        return QueryFailedError(f"the query failed: {root_cause(error)}; see {log}")

    def _writer(self, counted: DataFrame) -> Callable[[], StreamingQuery]:
        writer = (
            counted.writeStream.format("noop")
            .queryName(NAME)
            .option("checkpointLocation", self.settings.checkpoint.checkpoint)
        )
        return self.settings.reading.trigger.apply(writer).start

    def _begun_on(self) -> dict[str, str | None]:
        """The ids of the topics as the run began, as far as the broker has told them."""
        ids = self.checkpoint.source.topic_id
        topics = self.settings.read_topics
        return dict(zip(topics, ids.split(","), strict=True)) if ids else dict.fromkeys(topics)

    def _look_again(self) -> None:
        """Raises what is wrong with the topics; a broker that is away is waited for."""
        try:
            check_there(self.settings.kafka, self.settings.read_topics)
        except TopicError:
            raise
        except KafkaUnavailableError:
            return
        self.checkpoint.check_topic(self.source())

    def _ensure_it_can_pass(self, error: StreamingQueryException) -> None:
        """Returns if a restart may help; raises ChurnStreamError if not."""
        found = lasting_among(causes_of(error))
        if found is None or found[0] is TOPIC:
            self._look_again()
            return
        kind, cause = found
        # The restart takes what is in the files now.
        if kind is LOGIN and self.access.is_stale:
            return
        log = self.settings.log.of_jvm
        raise kind.error(f"the query failed: {cause}; {kind.remedy}; see {log}") from error
