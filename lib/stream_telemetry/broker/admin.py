"""Kafka's own admin client, in the JVM beside the query: who a topic is, and what it may hold.

librdkafka's one is not used while a query runs: it has been seen to abort the process when a broker
came back after its requests had timed out (confluentinc/librdkafka#4605). A consumer of librdkafka,
on the other hand, is not told the ids of topics.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from typing import Any, Self

from py4j.protocol import Py4JError
from pyspark import SparkContext

from stream_telemetry.broker.partitions import NO_TOPIC_ID
from stream_telemetry.errors import TelemetryError
from stream_telemetry.run.causes import Cause, java_errors_as
from stream_telemetry.security.live_client import stamp_of

TIMEOUT_SECONDS = 8
_LIMITS = {
    "default.api.timeout.ms": str(TIMEOUT_SECONDS * 1000),
    "request.timeout.ms": str(TIMEOUT_SECONDS * 500),
    # The log of the JVM gets a line for each try to connect.
    "reconnect.backoff.max.ms": "10000",
    # Brokers that it knows may all be away for good (KIP-899).
    "metadata.recovery.strategy": "rebootstrap",
}


class AdminError(Exception):
    """The broker refuses an answer, or gives none in time; one line.

    Attributes:
        kind: the simple name of Kafka's exception, such as `TopicAuthorizationException`.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(f"{kind}: {message}" if message else kind)
        self.kind = kind

    @property
    def is_refusal(self) -> bool:
        """Whether a broker refused to answer, because it may not or cannot."""
        return self.kind in (
            "TopicAuthorizationException",
            "ClusterAuthorizationException",
            "GroupAuthorizationException",
            "UnsupportedVersionException",
        )


@dataclass(frozen=True)
class KnownTopic:
    """What tells a topic from others.

    Attributes:
        id: Kafka's id, as its own tools write it; None where the broker has none.
        partitions: how many it has.
        operations: what this user may do with it, in Kafka's capitals; None where nobody says.
    """

    id: str | None
    partitions: int
    operations: frozenset[str] | None = None


class JvmAdmin:
    """Asks the broker by Kafka's Java client; use it in a `with` statement.

    It is made in the thread that made the session, and may be used by others. Every method raises
    AdminError when the broker refuses or does not answer within `TIMEOUT_SECONDS`.
    """

    def __init__(self, client: Mapping[str, str]) -> None:
        """Prepares the client; nothing is sent yet.

        Args:
            client: Kafka's settings in the names of its Java client.

        Raises:
            TelemetryError: it does not take them.
        """
        self._jvm: Any = _jvm()
        self._client = client
        self._stamp = stamp_of(client)
        with java_errors_as(_refused):
            self._known = self._made()
            self._with_rights = self._jvm.org.apache.kafka.clients.admin.DescribeTopicsOptions()
            self._with_rights.includeAuthorizedOperations(True)

    @property
    def _admin(self) -> Any:
        """The client, made anew when its files were replaced; the old one while that fails."""
        if self._stamp != (stamp := stamp_of(self._client)):
            self._stamp = stamp
            with suppress(AdminError), _told():
                before, self._known = self._known, self._made()
                before.close(self._jvm.java.time.Duration.ofSeconds(1))
        return self._known

    def _made(self) -> Any:
        settings = self._jvm.java.util.HashMap()
        for name, value in {**_LIMITS, **self._client}.items():
            settings.put(name, value)
        # Only the thread that fetched the connector finds the class by its name.
        return self._jvm.org.apache.kafka.clients.admin.Admin.create(settings)

    def cluster_id(self) -> str | None:
        """Id of the cluster; None where the broker has none."""
        with _told():
            found = self._answer(self._admin.describeCluster().clusterId())
            return None if found is None else str(found)

    def topics(self, names: Sequence[str]) -> dict[str, KnownTopic]:
        """What the topics of these names are now; raises AdminError for one that is not there."""
        with _told():
            asked = self._admin.describeTopics(self._list(names), self._with_rights)
            answers = asked.topicNameValues()
            return {name: _known(self._answer(answers.get(name))) for name in names}

    def topic_settings(self, topic: str, names: Sequence[str]) -> dict[str, str]:
        """These settings of a topic; one that the broker does not have is left out."""
        with _told():
            config = self._jvm.org.apache.kafka.common.config.ConfigResource
            resource = config(config.Type.TOPIC, topic)
            answers = self._admin.describeConfigs(self._list([resource])).values()
            found = self._answer(answers.get(resource))
            entries = {name: found.get(name) for name in names}
            return {name: str(e.value()) for name, e in entries.items() if e is not None}

    def members(self, group: str) -> list[str]:
        """The clients that are in a consumer group; none when there is no such group."""
        try:
            with _told():
                answers = self._admin.describeConsumerGroups(self._list([group])).describedGroups()
                found = self._answer(answers.get(group))
                members = self._jvm.java.util.ArrayList(found.members())
                return [f"{m.clientId()} on {m.host().lstrip('/')}" for m in members]
        except AdminError as error:
            if error.kind == "GroupIdNotFoundException":
                return []
            raise

    def close(self) -> None:
        """Ends the connections; a JVM that is gone has none."""
        with suppress(Py4JError, OSError):
            self._known.close(self._jvm.java.time.Duration.ofSeconds(1))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _answer(self, future: Any) -> Any:
        return future.get(TIMEOUT_SECONDS + 2, self._jvm.java.util.concurrent.TimeUnit.SECONDS)

    def _list(self, values: Sequence[Any]) -> Any:
        found = self._jvm.java.util.ArrayList()
        for value in values:
            found.add(value)
        return found


def _jvm() -> Any:
    return SparkContext._jvm


def _known(described: Any) -> KnownTopic:
    topic_id = str(described.topicId().toString())
    # In one call, not in one for each operation; a set that is not there is no text at all.
    operations = described.authorizedOperations()
    return KnownTopic(
        None if topic_id == NO_TOPIC_ID else topic_id,
        int(described.partitions().size()),
        frozenset(re.findall(r"\w+", operations.toString())) if operations else None,
    )


def _refused(cause: Cause) -> TelemetryError:
    return TelemetryError(
        f"Kafka's Java client does not take its settings ({cause.name}: {cause.message}); mend the "
        "file that --kafka-config names"
    )


def _told() -> AbstractContextManager[None]:
    """Turns what the client throws, wrapped by its futures, into AdminError."""
    return java_errors_as(lambda cause: AdminError(cause.name, cause.message))
