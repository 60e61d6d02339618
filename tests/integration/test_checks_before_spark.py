"""What the broker is asked before Spark is there: topics, addresses, where to begin."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from broker_access import refuse, settings_of
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AclOperation, ResourceType
from load import publish

from sandbox.kafka.broker import KafkaBroker
from sandbox.kafka.topics import CustomerTopics, create_topics
from telco_churn.errors import KafkaUnavailableError, SettingsError, TopicError
from telco_churn.query.settings import GroupSettings, ReadSettings, TopicSettings
from telco_churn.query.topic_checks import TopicsFound, check_beginning, check_topics

FOUND = TopicsFound(partitions=3, has_groups=True)


def test_a_topic_that_the_user_may_not_see_is_not_said_to_be_missing(
    own_broker: KafkaBroker,
) -> None:
    create_topics(own_broker.bootstrap_servers, {"hidden": 1, "a": 1, "b": 1})
    refuse(own_broker, ResourceType.TOPIC, "hidden", AclOperation.DESCRIBE)
    topics = TopicSettings(input_topic="hidden", output_topic="a", deadletter_topic="b")
    # A rule is obeyed some time after the broker has taken it.
    deadline, said = time.monotonic() + 30, ""
    while not said and time.monotonic() < deadline:
        try:
            check_topics(settings_of(own_broker), topics)
        except TopicError as error:
            said = str(error)
    assert "topic hidden on" in said
    assert "is not for this user" in said


@pytest.mark.parametrize("advertised", ["nowhere.invalid:9092", "127.0.0.1:1"])
def test_an_address_that_the_broker_advertises_in_vain_is_named(
    tmp_path: Path, advertised: str
) -> None:
    names = CustomerTopics("raw", "predictions", "dead")
    with KafkaBroker(tmp_path) as well:
        names.create(well.bootstrap_servers)
    overrides = {"advertised.listeners": f"PLAINTEXT://{advertised}"}
    topics = TopicSettings(input_topic="raw", output_topic="predictions", deadletter_topic="dead")
    with KafkaBroker(tmp_path, overrides=overrides) as broker:
        said = f"answers, but says that its broker for .* is at {advertised}, which does not answer"
        with pytest.raises(KafkaUnavailableError, match=said):
            check_topics(settings_of(broker), topics)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ('{"other":{"0":1}}', "names topic other, the job reads raw"),
        ('{"raw":{"0":1}}', "leaves out partition 1, 2 of raw; name each one"),
        ('{"raw":{"0":1,"1":-2,"2":-1,"3":0}}', "raw has no partition 3"),
        ('{"raw":{"0":6,"1":-2,"2":-1}}', "partition 0 of raw has offsets 0 to 5, not 6"),
        ('{"raw":[1,2]}', "is not as in"),
        ('{"raw":{"0":null,"1":-2,"2":-1}}', "is not as in"),
    ],
)
def test_starting_offsets_that_do_not_fit_the_topic(
    own_broker: KafkaBroker, topics: TopicSettings, given: str, said: str
) -> None:
    publish(own_broker.bootstrap_servers, "raw", 5, partition=0)
    kafka, group = settings_of(own_broker), GroupSettings()
    with pytest.raises(SettingsError, match=said):
        check_beginning(kafka, topics, ReadSettings(starting_offsets=given), group, FOUND)
    fits = ReadSettings(starting_offsets='{"raw":{"0":5,"1":-2,"2":-1}}')
    check_beginning(kafka, topics, fits, group, FOUND)


def test_that_a_new_checkpoint_passes_over_the_group_s_progress_is_said(
    own_broker: KafkaBroker, topics: TopicSettings, caplog: pytest.LogCaptureFixture
) -> None:
    address = own_broker.bootstrap_servers
    publish(address, "raw", 5, partition=0)
    consumer = Consumer({"bootstrap.servers": address, "group.id": "before"})
    consumer.commit(offsets=[TopicPartition("raw", 0, 3)], asynchronous=False)
    consumer.close()
    reading = ReadSettings(starting_offsets="latest")
    for name, told in (("before", True), ("never", False)):
        caplog.clear()
        group = GroupSettings(consumer_group=name)
        check_beginning(settings_of(own_broker), topics, reading, group, FOUND)
        assert ("begins at latest; to go on where the group is" in caplog.text) == told
