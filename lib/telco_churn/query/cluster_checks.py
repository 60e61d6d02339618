"""What is asked of the broker through the JVM, at the start and again when something is wrong.

A check that the broker does not answer is skipped, with one line that says which protection is
missing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
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

Answer = TypeVar("Answer")

_SIZE, _POLICY = "max.message.bytes", "cleanup.policy"


class ClusterChecks:
    """Asks who the topics are, what the outputs may hold, and who is in the consumer group."""

    def __init__(self, admin: JvmAdmin, kafka: BrokerSettings, topics: TopicSettings) -> None:
        self._admin = admin
        self._kafka = kafka
        self._topics = topics
        self._said: set[str] = set()

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
        missing = (
            f"the broker does not tell the id of {topic}: if it is made anew under its name, that "
            "shows only if its offsets go back"
        )
        known = self._known(topic, missing)
        if known is not None and known.id is None:
            self._say(missing)
        return SourceIdentity(cluster, topic, known.id if known else None)

    def topics(self) -> dict[str, KnownTopic]:
        """All topics of the job as they are now, by name; raises AdminError."""
        return self._admin.topics(self._topics.all)

    def check_outputs(self) -> None:
        """Sees whether the output topics take the largest records that the job writes.

        Raises:
            TopicError: one of them does not, or is not there.
            KafkaUnavailableError: the broker does not answer.
        """
        for topic in self._topics.outputs:
            self._known(topic, f"the broker does not tell whether {topic} is there")
            settings = self.settings_of(topic)
            if int(settings.get(_SIZE, LEAST_MESSAGE_BYTES)) < LEAST_MESSAGE_BYTES:
                raise TopicError(
                    f"topic {topic} takes messages of {settings[_SIZE]} bytes at most, the job may "
                    f"write {LEAST_MESSAGE_BYTES}; raise it with: kafka-configs.sh "
                    f"--bootstrap-server {self._kafka.broker} --alter --topic {topic} --add-config "
                    "max.message.bytes=1048588"
                )
            if "compact" in settings.get(_POLICY, ""):
                self._say(
                    f"topic {topic} is compacted: Kafka refuses an answer to an event without a "
                    "key there, which ends the job, and keeps only the last one of each key; set "
                    "cleanup.policy=delete unless every event has a key"
                )

    def compacted(self) -> list[str]:
        """The output topics that are compacted, as far as the broker tells."""
        return [
            topic
            for topic in self._topics.outputs
            if "compact" in self.settings_of(topic).get(_POLICY, "")
        ]

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
            f"the broker does not tell the settings of {topic}: whether it takes every record of "
            "the job shows only when it refuses one",
            topic,
        )
        return found or {}

    def _known(self, topic: str, missing: str) -> KnownTopic | None:
        return self._asked(lambda: self._admin.topics([topic])[topic], missing, topic)

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
        KafkaUnavailableError: the broker does not answer.
    """
    with JvmAdmin(kafka.client) as admin:
        cluster = ClusterChecks(admin, kafka, topics)
        # A broker that has never had a group takes a second or two to answer for one.
        if found.has_groups and group.commit_progress:
            cluster.check_group(group)
        if beginning is not None:
            check_beginning(kafka, topics, beginning, group, found)
        yield cluster
