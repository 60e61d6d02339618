"""What the broker says of the rights of its user, before anything is read or written."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient

from telco_churn.errors import TopicError
from telco_churn.rights.needed import Right

_SECONDS = 5.0
_DENIED = (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED)
_VISIBLE = "DESCRIBE"


def lacking_rights(client: Mapping[str, str], rights: Sequence[Right]) -> tuple[Right, ...]:
    """The rights that the program can go on without, and that its user has not.

    A broker that does not tell, because it is older than 2.3 or another kind of Kafka, is taken for
    one that allows: what it refuses later is told then.

    Args:
        client: librdkafka's settings.
        rights: those that are wanted.

    Raises:
        TopicError: the user lacks one that is needed; names it.
    """
    if not rights:
        return ()
    granted = _granted(client, rights)
    lacking = tuple(right for right in rights if is_lacking(right, granted.get(_key(right))))
    for right in lacking:
        if right.is_needed:
            raise TopicError(right.refusal(client))
    return lacking


def is_lacking(right: Right, granted: Collection[str] | None) -> bool:
    """Whether it is not among the operations that are granted, in Kafka's capitals.

    None is for a broker that does not tell.
    """
    if granted is None:
        return False
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", right.operation).upper() not in granted


def told(granted: Iterable[str]) -> frozenset[str] | None:
    """The operations that a broker lists, if that can be all of them."""
    found = frozenset(granted)
    # Some kinds of Kafka leave the list empty. Who is answered at all may see the topic.
    return found if _VISIBLE in found else None


def _granted(
    client: Mapping[str, str], rights: Sequence[Right]
) -> dict[tuple[str, str], frozenset[str] | None]:
    # For the moment of two questions: an AdminClient of librdkafka that outlives an outage may
    # abort the process (see `stream_telemetry.broker.admin`).
    admin = AdminClient({**client, "log_level": 0})
    names = {
        kind: sorted({r.name for r in rights if r.kind == kind}) for kind in ("topic", "group")
    }
    asked: dict[tuple[str, str], Future[Any]] = {}
    if names["topic"]:
        found = admin.describe_topics(
            TopicCollection(names["topic"]),
            include_authorized_operations=True,
            request_timeout=_SECONDS,
        )
        asked |= {("topic", name): answer for name, answer in found.items()}
    if names["group"]:
        found = admin.describe_consumer_groups(
            names["group"], include_authorized_operations=True, request_timeout=_SECONDS
        )
        asked |= {("group", name): answer for name, answer in found.items()}
    return {key: _operations(answer) for key, answer in asked.items()}


def _operations(answer: Future[Any]) -> frozenset[str] | None:
    try:
        listed = answer.result(_SECONDS + 1).authorized_operations
    except KafkaException as error:
        return frozenset() if error.args[0].code() in _DENIED else None
    except TimeoutError:
        return None
    return told(operation.name for operation in listed or ())


def _key(right: Right) -> tuple[str, str]:
    return right.kind, right.name
