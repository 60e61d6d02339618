"""The rights that each program needs in Kafka, and none besides.

Read and Write bring Describe along (Kafka's StandardAuthorizer), so that is not listed. Nothing is
needed on the cluster: no IdempotentWrite since Kafka 3.0, and nothing here creates or alters.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from telco_churn.query.settings import GroupSettings, TopicSettings

READ, WRITE, DESCRIBE_CONFIGS = "Read", "Write", "DescribeConfigs"


@dataclass(frozen=True)
class Right:
    """One right.

    Attributes:
        operation: as Kafka's tools write it.
        kind: of what it is on.
        name: of the topic or group; of a transactional id the beginning.
        purpose: what it is for.
        without: what the program goes on without; empty if it cannot begin.
        only: the settings under which it is needed; empty for any.
    """

    operation: str
    kind: Literal["topic", "group", "transactional-id"]
    name: str
    purpose: str
    without: str = ""
    only: str = ""

    @property
    def is_needed(self) -> bool:
        """Whether nothing goes on without it."""
        return not self.without

    @property
    def _pattern(self) -> str:
        is_prefix = self.kind == "transactional-id"
        return " --resource-pattern-type prefixed" if is_prefix else ""

    def command(self, servers: str, user: str) -> str:
        """The command of Kafka's that gives it to a user."""
        return (
            f"kafka-acls.sh --bootstrap-server {servers} --add --allow-principal User:{user} "
            f"--operation {self.operation} --{self.kind} {self.name}{self._pattern}"
        )

    def refusal(self, client: Mapping[str, str]) -> str:
        """What is missing and what to do, for a client with these settings of librdkafka."""
        user = client.get("sasl.username")
        who = f"user {user}" if user else "this user"
        missing = f": {self.without}" if self.without else ""
        instead = f", or set {self.only}" if self.only else ""
        allow = self.command(client["bootstrap.servers"], user or "NAME")
        return (
            f"{who} may not {self.operation} {self.kind} {self.name}{missing}; allow it with: "
            f"{allow}{instead}"
        )


_SENDING = "send events and the record of it in one transaction"
TRANSACTIONS_OF_REPLAY = Right(WRITE, "transactional-id", "replay-", _SENDING)
"""The one that no broker tells of before it is used."""


def rights_of_job(
    topics: TopicSettings, group: GroupSettings, logged: Collection[str]
) -> tuple[Right, ...]:
    """Those of the job.

    Args:
        topics: of the job.
        group: that progress is committed to, unless that is off.
        logged: output topics whose records have lines in the log.
    """
    found = [Right(READ, "topic", topics.input_topic, "read the events, and how many wait")]
    found += [
        Right(WRITE, "topic", topic, "write what becomes of them") for topic in topics.outputs
    ]
    found += [
        Right(
            READ,
            "topic",
            topic,
            "a line in the log for each record",
            "its records have no lines in the log",
            "--log-lines-per-second off",
        )
        for topic in topics.outputs
        if topic in logged
    ]
    return *found, *_committing(group), *_settings_of(topics.all)


def rights_of_producer(topic: str) -> tuple[Right, ...]:
    """Those of the producer."""
    return (Right(WRITE, "topic", topic, "send customers"),)


def rights_of_verifier(topics: TopicSettings) -> tuple[Right, ...]:
    """Those of the verifier."""
    read = (Right(READ, "topic", topic, "compare the records") for topic in topics.all)
    return *read, *_settings_of(topics.all)


def rights_of_measuring(topics: Collection[str], group: GroupSettings) -> tuple[Right, ...]:
    """Those of the query that measures how right the predictions were.

    Args:
        topics: of predictions and of labels.
        group: that progress is committed to, unless that is off.
    """
    read = tuple(Right(READ, "topic", topic, "judge predictions by labels") for topic in topics)
    return *read, *_committing(group)


def rights_of_replay(
    topics: TopicSettings, sent_topic: str, *, sends: bool = True
) -> tuple[Right, ...]:
    """Those of the command that sends dead letters in again, where the topic of these is there.

    Args:
        topics: of the job.
        sent_topic: keeps which letters were sent.
        sends: whether it sends them, and does not only tell of them.
    """
    read = (
        Right(READ, "topic", topics.deadletter_topic, "read the letters"),
        Right(READ, "topic", sent_topic, "know what was sent before"),
    )
    if not sends:
        return read
    return (
        *read,
        Right(WRITE, "topic", topics.input_topic, _SENDING),
        Right(WRITE, "topic", sent_topic, _SENDING),
        TRANSACTIONS_OF_REPLAY,
        *_settings_of((sent_topic,)),
    )


def _committing(group: GroupSettings) -> tuple[Right, ...]:
    if not group.commit_progress:
        return ()
    return (
        Right(
            READ,
            "group",
            group.consumer_group,
            "tell Kafka the progress, and see who else is in the group",
            "progress is not committed, so lag by the group is wrong",
            "--commit-progress off",
        ),
    )


def _settings_of(topics: Iterable[str]) -> tuple[Right, ...]:
    return tuple(
        Right(
            DESCRIBE_CONFIGS,
            "topic",
            topic,
            "see whether it is compacted, and whether it takes large records",
            "whether it is compacted, and takes every record, is not known",
        )
        for topic in topics
    )
