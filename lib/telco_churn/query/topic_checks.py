"""What is asked of the broker before Spark is there: whether it can be reached, and its topics."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from stream_telemetry.batch.progress import Positions
from stream_telemetry.broker.offsets import BrokerOffsets
from stream_telemetry.broker.partitions import Bounds
from stream_telemetry.checkpoint.logs import offsets_json
from stream_telemetry.security.refusals import is_refusal, reason_and_remedy
from telco_churn import LOGGER
from telco_churn.errors import KafkaUnavailableError, SettingsError, TopicError
from telco_churn.query.settings import BrokerSettings, GroupSettings, ReadSettings, TopicSettings
from telco_churn.rights.granted import lacking_rights
from telco_churn.rights.needed import Right

log = logging.getLogger(LOGGER)

CONNECT_TIMEOUT_SECONDS = 10.0
_REFUSAL_SECONDS = 2.0
_GROUPS = "__consumer_offsets"
_RELATIVE = (-2, -1)  # Spark's numbers for the beginning and the end of a partition


class TopicsFound(NamedTuple):
    """What a broker's list of topics tells.

    Attributes:
        partitions: of the input topic.
        has_groups: whether there has ever been a consumer group, or nobody may know.
        lacking: rights that this user has not, and that can be done without.
    """

    partitions: int
    has_groups: bool
    lacking: tuple[Right, ...] = ()

    def may_ask_group(self, group: GroupSettings) -> bool:
        """Whether there can be something to be told of the group, and this user may be told."""
        is_refused = any(right.kind == "group" for right in self.lacking)
        return self.has_groups and group.commit_progress and not is_refused


def check_topics(
    kafka: BrokerSettings, topics: TopicSettings, rights: Sequence[Right] = ()
) -> TopicsFound:
    """Looks for the topics of the job; see `check_there`."""
    return check_there(kafka, topics.all, rights)


def check_there(
    kafka: BrokerSettings, topics: Sequence[str], rights: Sequence[Right] = ()
) -> TopicsFound:
    """Looks for topics, and whether those brokers can be reached that lead their partitions.

    Args:
        kafka: where to look.
        topics: that must be there; the first is the one whose partitions count.
        rights: that the program wants.

    Raises:
        KafkaUnavailableError: no broker answers, or one that is needed cannot be reached.
        TopicError: a topic is not there, or this user lacks a right that is needed.
    """
    complaints: list[KafkaError] = []
    with _consumer(kafka, complaints) as consumer:
        try:
            cluster = _asked(consumer, complaints)
        except KafkaException as error:
            raise KafkaUnavailableError(
                f"no Kafka broker answers at {kafka.broker} "
                f"{reason_and_remedy(kafka.client, complaints, error.args[0])}"
            ) from error
        has_groups = _GROUPS in cluster.topics or bool(_is_hidden(consumer, _GROUPS))
        # A broker that has never had a group takes a second or two to answer for one.
        wanted = [right for right in rights if has_groups or right.kind != "group"]
        lacking = lacking_rights(kafka.client, wanted)
        for topic in topics:
            if topic not in cluster.topics:
                raise _missing(kafka, consumer, topic)
        for leader, place in _led(cluster.topics, topics).items():
            _reach(kafka, consumer, place, cluster.brokers.get(leader))
    return TopicsFound(len(cluster.topics[topics[0]].partitions), has_groups, lacking)


def check_beginning(
    kafka: BrokerSettings,
    topics: TopicSettings,
    reading: ReadSettings,
    group: GroupSettings,
    found: TopicsFound,
) -> None:
    """Sees whether a new checkpoint can begin where the settings say.

    Args:
        kafka: the broker.
        topics: of the job.
        reading: where to begin.
        group: whose progress so far a new checkpoint would pass over.
        found: what is known of the topics.

    Raises:
        SettingsError: `--starting-offsets` does not fit the topic.
        KafkaUnavailableError: the broker does not tell.
    """
    is_given = reading.starting_offsets not in ("earliest", "latest")
    if not is_given and not found.may_ask_group(group):
        return
    topic, name = topics.input_topic, group.consumer_group
    offsets = BrokerOffsets(topic, name, kafka.client)
    try:
        if is_given:
            must_be_there = not reading.accepts_loss
            _check_given(topic, reading.starting_offsets, offsets.bounds(), must_be_there)
        elif any((committed := offsets.committed()).values()):
            log.warning(
                "the checkpoint is new, but group %s has read %s before: the job begins at %s; to "
                "go on where the group is, start it with --starting-offsets '%s'",
                *(name, topic, reading.starting_offsets, offsets_json(committed)),
            )
    except KafkaException as error:
        if is_given:
            raise KafkaUnavailableError(
                f"{kafka.broker} does not tell the offsets of {topic} ({error.args[0].str()}); "
                "see whether it is well, then try again"
            ) from error
        log.warning(
            "whether group %s has read %s before is not known (%s)",
            *(name, topic, error.args[0].str()),
        )
    finally:
        offsets.close()


def _check_given(topic: str, text: str, bounds: Bounds, must_be_there: bool) -> None:
    wanted = json.loads(text)
    if others := sorted(wanted.keys() - {topic}):
        raise SettingsError(f"--starting-offsets names topic {others[0]}, the job reads {topic}")
    given = _given(topic, wanted)
    missing = sorted(partition for _, partition in bounds.ends.keys() - given.keys())
    if missing:
        raise SettingsError(
            f"--starting-offsets leaves out partition {', '.join(map(str, missing))} of {topic}; "
            "name each one, with -2 for its beginning or -1 for its end"
        )
    for (_, partition), offset in sorted(given.items()):
        if (topic, partition) not in bounds.ends:
            raise SettingsError(f"--starting-offsets: {topic} has no partition {partition}")
        begin, end = bounds.beginnings[topic, partition], bounds.ends[topic, partition]
        if must_be_there and offset not in _RELATIVE and not begin <= offset <= end:
            raise SettingsError(
                f"--starting-offsets: partition {partition} of {topic} has offsets {begin} to "
                f"{end}, not {offset}; choose one of these, or set --on-data-loss continue"
            )


def _given(topic: str, wanted: Mapping[str, Any]) -> Positions:
    try:
        return {(topic, int(p)): int(offset) for p, offset in wanted.get(topic, {}).items()}
    except (AttributeError, TypeError, ValueError) as error:
        raise SettingsError(
            f'--starting-offsets: {wanted!r} is not as in {{"{topic}":{{"0":42,"1":-2}}}}'
        ) from error


def _is_hidden(consumer: Consumer, topic: str) -> KafkaError | None:
    """What the broker says of a topic that this user may not see; None for any other."""
    # A list of topics leaves out those that the user may not see; one that is asked for says so.
    asked = consumer.list_topics(topic, timeout=CONNECT_TIMEOUT_SECONDS).topics.get(topic)
    error: KafkaError | None = asked.error if asked else None
    return error if error and error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED else None


def _missing(kafka: BrokerSettings, consumer: Consumer, topic: str) -> TopicError:
    if error := _is_hidden(consumer, topic):
        return TopicError(
            f"topic {topic} on {kafka.broker} is not for this user ({error.str()}); allow the "
            "user to describe it, to read the input and to write the outputs"
        )
    return TopicError(
        f"topic {topic} does not exist on {kafka.broker}; create it with: kafka-topics.sh "
        f"--bootstrap-server {kafka.broker} --create --topic {topic} --partitions 3"
    )


def _led(known: Mapping[str, Any], topics: Sequence[str]) -> dict[int, TopicPartition]:
    """One partition of each broker that leads any; one without a leader has nobody to ask."""
    return {
        partition.leader: TopicPartition(topic, number)
        for topic in topics
        for number, partition in known[topic].partitions.items()
        if partition.leader >= 0
    }


def _reach(kafka: BrokerSettings, consumer: Consumer, place: TopicPartition, broker: Any) -> None:
    try:
        consumer.get_watermark_offsets(place, timeout=CONNECT_TIMEOUT_SECONDS)
    except KafkaException as error:
        if error.args[0].code() > 0:  # from the broker itself, such as that it leads it no more
            return
        address = f"{broker.host}:{broker.port}" if broker else "?"
        raise KafkaUnavailableError(
            f"{kafka.broker} answers, but says that its broker for {place.topic} is at {address}, "
            f"which does not answer ({error.args[0].str()}); mend its advertised.listeners"
        ) from error


def _asked(consumer: Consumer, complaints: Sequence[KafkaError]) -> Any:
    """All topics and brokers; who is refused need not wait as long as for one that is slow."""
    try:
        return consumer.list_topics(timeout=_REFUSAL_SECONDS)
    except KafkaException:
        # Hands over what is still to be told.
        consumer.poll(0)
        if is_refusal(complaints):
            raise
    try:
        return consumer.list_topics(timeout=CONNECT_TIMEOUT_SECONDS - _REFUSAL_SECONDS)
    finally:
        consumer.poll(0)


@contextmanager
def _consumer(kafka: BrokerSettings, complaints: list[KafkaError]) -> Iterator[Consumer]:
    settings: dict[str, Any] = {
        **kafka.client,
        # The client demands a group; without subscription and commits none comes to be. Its own
        # lines would repeat every second what an error says once.
        "group.id": "checks",
        "log_level": 0,
    }
    try:
        consumer = Consumer({**settings, "error_cb": complaints.append})
    except KafkaException as error:
        raise SettingsError(
            f"librdkafka does not take its settings ({error.args[0].str()}); mend the file that "
            "--kafka-config names"
        ) from error
    try:
        yield consumer
    finally:
        consumer.close()
