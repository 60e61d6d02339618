"""What a failure of the query means: it can pass, or it ends the job, and how."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from pyspark.errors import StreamingQueryException

from stream_telemetry.broker.topic_watch import TopicWatch
from stream_telemetry.run.alarm import Alarm
from stream_telemetry.run.causes import Cause, causes_of, root_cause
from stream_telemetry.run.oversight import Oversight
from stream_telemetry.security.live_client import LiveClient
from telco_churn.errors import (
    ChurnStreamError,
    KafkaUnavailableError,
    PoisonRecordError,
    QueryFailedError,
    SourceDataLostError,
    TopicError,
)
from telco_churn.lasting import (
    CHECKPOINT,
    DATA_LOSS,
    LOGIN,
    POISON,
    REFUSED_RECORD,
    REFUSED_USER,
    TOPIC,
    Lasting,
    lasting_among,
)
from telco_churn.model.replacement import Replacement
from telco_churn.query.checkpoint import Checkpoint
from telco_churn.query.cluster_checks import ClusterChecks
from telco_churn.query.patience import ExecutorWatch
from telco_churn.query.settings import TopicSettings
from telco_churn.rights.missing import RightsWatch

_POISON = re.compile(
    r"Record at topic (?P<topic>\S+) partition (?P<partition>\d+) offset (?P<offset>\d+) has "
    r"timestamp value (?P<timestamp>\d+) that overflows"
)
"""What Spark's Kafka source says of a time that it cannot hold (SPARK-56243)."""

_ANOTHER_LOG = ("PARTITION_OFFSET_CHANGED", "PARTITIONS_DELETED")
"""What it says of offsets that are gone because the log was replaced."""
_REASON = re.compile(r"Reason: (.+)")


def end_for_good(checkpoint: Checkpoint, alarm: Alarm, reason: str) -> None:
    """Ends the run, and every later one on its checkpoint: a topic was replaced."""
    checkpoint.close(reason)
    alarm.ring(SourceDataLostError(f"{reason}; start with another --checkpoint"))


@dataclass(frozen=True)
class Triage:
    """Tells failures that can pass from those that end the job.

    Attributes:
        topics: of the job.
        cluster: asked about them through the JVM.
        checkpoint: of the query.
        alarm: ends the run with what another thread has found.
        log: what a user may read for more.
        access: how the query gets into Kafka.
        executors: looked at while no batch ends.
        rights: that its user needs there.
    """

    topics: TopicSettings
    cluster: ClusterChecks
    checkpoint: Checkpoint
    alarm: Alarm
    log: str
    access: LiveClient
    executors: ExecutorWatch
    rights: RightsWatch

    def ensure_it_can_pass(self, error: StreamingQueryException) -> None:
        """Returns if a restart may help: a broker that is away, a timeout, a full disk.

        Raises:
            ChurnStreamError: it cannot help; the one that ends the job.
        """
        found = lasting_among(causes_of(error))
        # The restart takes what is in the files now.
        has_new_login = found is not None and found[0] is LOGIN and self.access.is_stale
        if found is None or found[0] is TOPIC or has_new_login:
            self.check_kafka_again()
            return
        raise self._lasting(*found, str(error)) from error

    def _lasting(self, kind: Lasting, cause: Cause, text: str) -> ChurnStreamError:
        """The error for a failure of a lasting kind; `text` is Spark's whole message."""
        if kind is POISON and (poison := _POISON.search(text)):
            return self._poison(poison)
        if kind is DATA_LOSS:
            return self._data_loss(cause, text)
        if kind is CHECKPOINT:
            # It names the file and the repair, if that is what it was.
            self.checkpoint.check()
        reason = str(cause)
        if kind is REFUSED_RECORD and (compacted := self._compacted()):
            reason += f" ({', '.join(compacted)} is compacted and takes no record without a key)"
        remedy = kind.remedy
        if kind is REFUSED_USER:
            remedy = self.rights.refusals_in(cause.message) or "see its rights in docs/security.md"
        return kind.error(f"the query failed: {reason}; {remedy}; see {self.log}")

    def _data_loss(self, cause: Cause, text: str) -> SourceDataLostError:
        reason = _REASON.search(text)
        lost = (
            f"{self.topics.input_topic} no longer has the offsets that come next: "
            f"{reason[1] if reason else cause}"
        )
        if any(words in text for words in _ANOTHER_LOG):
            # Once that log has grown beyond the old offset, Spark would see nothing amiss.
            self.checkpoint.close(lost)
        return SourceDataLostError(f"{lost}; to go on without them, set --on-data-loss continue")

    def _compacted(self) -> list[str]:
        try:
            return self.cluster.compacted()
        except KafkaUnavailableError:
            return []

    def final(self, error: StreamingQueryException, restarts: int = 0) -> ChurnStreamError:
        """The error for a query that failed for good, after so many restarts without progress."""
        tried = f", and {restarts} restarts brought it no further" if restarts else ""
        return QueryFailedError(f"the query failed{tried}: {root_cause(error)}; see {self.log}")

    def check_kafka_again(self) -> None:
        """What is checked at the start, for a query that has failed or does not get on.

        Spark reports a topic that is gone or was made anew like a broker that is away, and of a
        topic that takes small messages only it may hear nothing: Kafka's client splits its batch
        for ever.

        Raises:
            TopicError: an output topic takes small messages only, or a topic is gone.
            SourceDataLostError: the input topic was made anew.
        """
        try:
            self.checkpoint.check_topic(self.cluster.check_kafka())
        except TopicError:
            raise
        except KafkaUnavailableError:
            return

    def look_around(self) -> None:
        """What may be wrong while no batch ends.

        Raises:
            QueryFailedError: there has been no executor for too long.
            TopicError: an output topic takes small messages only, or a topic is gone.
            SourceDataLostError: the input topic was made anew.
        """
        self.executors.check()
        self.check_kafka_again()

    @contextmanager
    def failing_for_good(self, restarts: int) -> Iterator[None]:
        """Raises the job's own error for a failure that leaves the block, after so many restarts.

        Raises:
            ChurnStreamError: the query failed for good.
        """
        try:
            yield
        except StreamingQueryException as error:
            self.ensure_it_can_pass(error)
            raise self.final(error, restarts) from error

    def oversight(self, models: Replacement[Any]) -> Oversight:
        """What may end the run: failures, silence, and a topic that was replaced meanwhile.

        Args:
            models: the query's model, and others that may take its place.
        """

        def triage(error: StreamingQueryException) -> None:
            """Raises what neither a restart nor the model before it can mend."""
            if not models.take_back(error):
                self.ensure_it_can_pass(error)

        goes_back, source = self.checkpoint.accepts_loss, self.checkpoint.source
        return Oversight(
            triage=triage,
            on_silence=self.look_around,
            alarm=self.alarm,
            renew=models.renew,
            watch=TopicWatch(
                {source.topic: source.topic_id},
                self.cluster.topics,
                partial(end_for_good, self.checkpoint, self.alarm),
                goes_back=goes_back,
                rights=self.rights.missing,
            ),
        )

    def _poison(self, found: re.Match[str]) -> PoisonRecordError:
        place = f"{found['topic']}-{found['partition']}-{found['offset']}"
        return PoisonRecordError(
            f"record {place} has the timestamp {found['timestamp']}, which Spark cannot read, so "
            f"the query cannot pass it; leave it out with: python -m churn_tools.skip_record "
            f"{place} --checkpoint {self.checkpoint.files.location}"
        )
