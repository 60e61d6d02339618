"""What Kafka keeps of the topics, as far as it tells: what is gone cannot be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType

_POLICY = "cleanup.policy"
_SECONDS = 10.0


def compacted_among(client: Mapping[str, str], topics: Sequence[str]) -> set[str]:
    """The topics of which Kafka keeps only the last record of each key.

    None of those whose settings this user may not see, or the broker does not tell.

    Args:
        client: librdkafka's settings: `bootstrap.servers`, security.
        topics: the topics.
    """
    admin = AdminClient({**client, "log_level": 0})
    resources = [ConfigResource(ResourceType.TOPIC, topic) for topic in topics]
    answers = admin.describe_configs(resources, request_timeout=_SECONDS)
    found = set()
    for resource, answer in answers.items():
        try:
            policy = answer.result(_SECONDS + 1).get(_POLICY)
        except (KafkaException, TimeoutError):
            continue
        if policy is not None and "compact" in str(policy.value):
            found.add(str(resource.name))
    return found
