"""What is asked of the broker through the JVM, at the start and again when something is wrong.

A check that the broker does not answer is skipped, with one line that says which protection is
missing.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

from stream_telemetry.broker.admin import AdminError, JvmAdmin, KnownTopic
from stream_telemetry.checkpoint.identity import SourceIdentity
from telco_churn import LOGGER
from telco_churn.errors import KafkaUnavailableError, TopicError
from telco_churn.query.settings import (
    BrokerSettings,
    GroupSettings,
    ReadSettings,
    TopicSettings,
)
from telco_churn.query.topic_checks import TopicsFound, check_beginning

log = logging.getLogger(LOGGER)

LEAST_MESSAGE_BYTES = 1_000_000
"""What an output topic must take: a dead letter with its key and headers, as the plan bounds it."""

POLICY_SECONDS = 60.0  # between two looks at the clean-up policies
_NO_ID = (
    "the broker does not tell the id of {topic}: if it is made anew under its name, that shows "
    "only if its offsets go back"
)
_EVENTS_GO = "what Kafka removes before the job has read it leaves no trace"
_ANSWERS_GO = (
    "Kafka refuses an answer to an event without a key there, which ends the job, and keeps only "
    "the last one of each key; set cleanup.policy=delete unless every event has a key"
)

Answer = TypeVar("Answer")

_SIZE, _POLICY = "max.message.bytes", "cleanup.policy"


class ClusterChecks:
    """Asks who the topics are, what the outputs may hold, and who is in the consumer group."""

    def __init__(self, admin: JvmAdmin, kafka: BrokerSettings, topics: TopicSettings) -> None:
        self._admin = admin
        self._kafka = kafka
        self._topics = topics
        self._said: set[str] = set()
        self._looked_at = -math.inf

    def check_kafka(self) -> SourceIdentity:
        """What must hold at the start, before each restart, and when no batch ends.

        Returns:
            Which topic the input topic is now.

        Raises:
            TopicError: a topic is not there, or an output topic does not take the job's records.
            KafkaUnavailableError: the broker does not answer.
        """
        self.check_outputs()
        return self.source()

    def source(self) -> SourceIdentity:
        """Which topic the input topic is now.

        Raises:
            TopicError: it is not there.
            KafkaUnavailableError: the broker does not answer.
        """
        topic = self._topics.input_topic
        cluster = self._asked(
            self._admin.cluster_id,
            "the broker does not tell its cluster's id: another cluster under its address is not "
            "noticed",
        )
        known = self._known(topic)
        if known is not None and known.id is None:
            self._say(_NO_ID.format(topic=topic))
        return SourceIdentity(cluster, topic, known.id if known else None)

    def topics(self) -> dict[str, KnownTopic]:
        """The topics of the job as they are now, by name; raises AdminError.

        One that is gone, or that this user may not ask for any more, is left out and said, so that
        it does not hide what becomes of the others. It is asked every few seconds, and once a
        minute looks at their clean-up policies too.
        """
        found = {}
        try:
            for name in self._topics.all:
                if known := self._there(name):
                    found[name] = known
            if time.monotonic() - self._looked_at > POLICY_SECONDS:
                self._looked_at = time.monotonic()
                for name in found:
                    self._tell_policy(name, self.settings_of(name))
        except (KafkaUnavailableError, TopicError) as error:
            raise AdminError(type(error).__name__, str(error)) from error
        return found

    def _there(self, name: str) -> KnownTopic | None:
        gone = f"topic {name} is not there any more; create it, before the job needs it and ends"
        try:
            found = self._known(name)
        except TopicError:
            self._say(gone)
            return None
        self._said.discard(gone)
        return found

    def check_outputs(self) -> None:
        """Sees whether the output topics take the largest records that the job writes.

        Raises:
            TopicError: one of them does not, or is not there.
            KafkaUnavailableError: the broker does not answer.
        """
        for topic in self._topics.outputs:
            self._known(topic)
            settings = self.settings_of(topic)
            if int(settings.get(_SIZE, LEAST_MESSAGE_BYTES)) < LEAST_MESSAGE_BYTES:
                raise TopicError(
                    f"topic {topic} takes messages of {settings[_SIZE]} bytes at most, the job may "
                    f"write {LEAST_MESSAGE_BYTES}; raise it with: kafka-configs.sh "
                    f"--bootstrap-server {self._kafka.broker} --alter --topic {topic} --add-config "
                    "max.message.bytes=1048588"
                )
            self._tell_policy(topic, settings)

    def compacted(self) -> list[str]:
        """The output topics that are compacted, as far as the broker tells."""
        return [
            topic
            for topic in self._topics.outputs
            if "compact" in self.settings_of(topic).get(_POLICY, "")
        ]

    def _tell_policy(self, topic: str, settings: Mapping[str, str]) -> None:
        if "compact" not in settings.get(_POLICY, ""):
            return
        is_source = topic == self._topics.input_topic
        self._say(f"topic {topic} is compacted: {_EVENTS_GO if is_source else _ANSWERS_GO}")

    def check_group(self, group: GroupSettings) -> None:
        """Warns of a consumer group that somebody else uses.

        Raises:
            KafkaUnavailableError: the broker does not answer.
        """
        name = group.consumer_group
        members = self._asked(
            lambda: self._admin.members(name),
            f"the broker does not tell who is in group {name}: commits that fail because of others "
            "show only then",
        )
        if members:
            self._say(
                f"group {name} has members ({', '.join(members[:3])}): Kafka refuses the job's "
                "commits while they are in it, and lag by the group is theirs; set another "
                "--consumer-group, or --commit-progress off"
            )

    def settings_of(self, topic: str) -> dict[str, str]:
        """Size and clean-up policy of a topic; empty when the broker does not tell.

        Raises:
            TopicError: it is not there.
            KafkaUnavailableError: the broker does not answer.
        """
        found = self._asked(
            lambda: self._admin.topic_settings(topic, (_SIZE, _POLICY)),
            f"the broker does not tell the settings of {topic}, which takes DescribeConfigs: "
            "whether it takes every record of the job shows only when it refuses one",
            topic,
        )
        return found or {}

    def _known(self, topic: str) -> KnownTopic | None:
        is_source = topic == self._topics.input_topic
        missing = _NO_ID if is_source else "the broker does not tell whether {topic} is there"
        ask = self._admin.topics
        return self._asked(lambda: ask([topic])[topic], missing.format(topic=topic), topic)

    def _asked(
        self, ask: Callable[[], Answer | None], missing: str, topic: str = ""
    ) -> Answer | None:
        """The answer; None if there is none, with a line in the log the first time."""
        try:
            answer = ask()
        except AdminError as error:
            if error.kind == "UnknownTopicOrPartitionException":
                raise TopicError(
                    f"topic {topic} does not exist on {self._kafka.broker} any more; create it, "
                    "then start the job again"
                ) from error
            if not error.is_refusal:
                raise KafkaUnavailableError(
                    f"{self._kafka.broker} does not answer ({error}); see whether it is well"
                ) from error
            self._say(f"{missing} ({error})")
            return None
        if answer is None:
            self._say(missing)
        return answer

    def _say(self, line: str) -> None:
        if line not in self._said:
            self._said.add(line)
            log.warning("%s", line)


@contextmanager
def checked_cluster(
    kafka: BrokerSettings,
    topics: TopicSettings,
    group: GroupSettings,
    found: TopicsFound,
    beginning: ReadSettings | None = None,
) -> Iterator[ClusterChecks]:
    """Checks group and beginning; what it gives can be asked again until the end of the block.

    Args:
        kafka: the broker.
        topics: of the job.
        group: that progress is committed to.
        found: what is known of the topics.
        beginning: where a new checkpoint is to begin; None for one that has begun.

    Raises:
        SettingsError: a new checkpoint cannot begin there.
        TelemetryError: Kafka's client does not take its settings.
        KafkaUnavailableError: the broker does not answer.
    """
    with JvmAdmin(kafka.jvm_client) as admin:
        cluster = ClusterChecks(admin, kafka, topics)
        # A broker that has never had a group takes a second or two to answer for one.
        if found.may_ask_group(group):
            cluster.check_group(group)
        if beginning is not None:
            check_beginning(kafka, topics, beginning, group, found)
        yield cluster
