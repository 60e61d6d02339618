"""What the broker is asked before and beside a query, and what becomes of what it does not tell."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from broker_access import admin_of, refuse, settings_of
from confluent_kafka import Consumer
from confluent_kafka.admin import (
    AclOperation,
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)
from load import publish
from pyspark.sql import SparkSession

from launcher.cache.connector import connector_jars
from sandbox.kafka.broker import KafkaBroker
from sandbox.kafka.topics import create_topics, delete_topics
from stream_telemetry.broker.admin import AdminError, JvmAdmin
from stream_telemetry.broker.lag import LagThread
from stream_telemetry.broker.offsets import BrokerOffsets
from stream_telemetry.broker.topic_watch import ASK_SECONDS, TopicWatch
from stream_telemetry.health import Health, limits_for
from stream_telemetry.metrics.store import MetricStore
from telco_churn.errors import TopicError
from telco_churn.query import cluster_checks
from telco_churn.query.cluster_checks import ClusterChecks, checked_cluster
from telco_churn.query.settings import GroupSettings, TopicSettings
from telco_churn.query.topic_checks import TopicsFound

FOUND = TopicsFound(partitions=3, has_groups=True)


@pytest.fixture(scope="module")
def _jvm() -> Iterator[None]:
    """A session with the connector's classes, in the way of a plain spark-submit."""
    # The session of other tests in this process is left as it is.
    running = SparkSession.getActiveSession()
    spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", False).getOrCreate()
    for jar in connector_jars().split(","):
        spark.sql(f"ADD JAR '{jar}'").collect()
    yield
    if running is None:
        spark.stop()


def alter(broker: KafkaBroker, topic: str, name: str, value: str) -> None:
    entry = ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
    admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers})
    for altered in admin.incremental_alter_configs([resource]).values():
        altered.result(30)


@pytest.mark.usefixtures("_jvm")
def test_a_topic_s_identity_changes_with_the_topic_and_is_written_as_kafka_s_tools_do(
    own_broker: KafkaBroker, topics: TopicSettings
) -> None:
    with admin_of(own_broker) as admin:
        cluster = ClusterChecks(admin, settings_of(own_broker), topics)
        first = cluster.source()
        assert cluster.source() == first
        delete_topics(own_broker.bootstrap_servers, ["raw"])
        with pytest.raises(TopicError, match=r"topic raw does not exist on .* any more; create it"):
            cluster.source()
        create_topics(own_broker.bootstrap_servers, {"raw": 3})
        second = cluster.source()
    assert first.cluster_id == second.cluster_id
    assert not first.may_be(second)
    described = own_broker.run_tool(
        "org.apache.kafka.tools.TopicCommand",
        *("--bootstrap-server", own_broker.bootstrap_servers, "--describe", "--topic", "raw"),
    )
    assert f"TopicId: {second.topic_id}" in described


@pytest.mark.usefixtures("_jvm")
def test_a_compacted_output_is_said_and_a_narrow_one_refused(
    own_broker: KafkaBroker, topics: TopicSettings, caplog: pytest.LogCaptureFixture
) -> None:
    address = own_broker.bootstrap_servers
    create_topics(address, {"compact": 1}, {"cleanup.policy": "compact"})
    create_topics(address, {"narrow": 1}, {"max.message.bytes": "5000"})
    compact = TopicSettings(input_topic="raw", output_topic="compact", deadletter_topic="dead")
    with admin_of(own_broker) as admin:
        cluster = ClusterChecks(admin, settings_of(own_broker), compact)
        cluster.check_outputs()
        cluster.check_outputs()
        assert cluster.compacted() == ["compact"]
    assert caplog.text.count("topic compact is compacted: Kafka refuses an answer") == 1
    narrow = TopicSettings(input_topic="raw", output_topic="predictions", deadletter_topic="narrow")
    with (
        pytest.raises(TopicError, match="topic narrow takes messages of 5000 bytes at most"),
        checked_cluster(settings_of(own_broker), narrow, GroupSettings(), FOUND) as cluster,
    ):
        cluster.check_kafka()


@pytest.mark.usefixtures("_jvm")
def test_what_changes_of_the_topics_while_the_job_runs_is_said(
    own_broker: KafkaBroker,
    topics: TopicSettings,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cluster_checks, "POLICY_SECONDS", 0.0)
    # The refusal below outlives the test, so it is of a topic that no other one has.
    create_topics(own_broker.bootstrap_servers, {"hidden": 1})
    own = TopicSettings(input_topic="raw", output_topic="hidden", deadletter_topic="dead")
    with admin_of(own_broker) as admin:
        cluster = ClusterChecks(admin, settings_of(own_broker), own)
        assert cluster.topics().keys() == {"raw", "hidden", "dead"}
        assert caplog.text == ""
        for name in ("raw", "dead"):
            alter(own_broker, name, "cleanup.policy", "compact")
        for _ in range(2):
            cluster.topics()
        assert caplog.text.count("topic raw is compacted: what Kafka removes") == 1
        assert caplog.text.count("topic dead is compacted: Kafka refuses an answer") == 1
        refuse(own_broker, ResourceType.TOPIC, "hidden", AclOperation.DESCRIBE)
        for _ in range(2):
            assert cluster.topics().keys() == {"raw", "dead"}
        assert caplog.text.count("the broker does not tell whether hidden is there") == 1
        for _ in range(2):
            delete_topics(own_broker.bootstrap_servers, ["dead"])
            for _ in range(2):
                assert cluster.topics().keys() == {"raw"}, "the others are seen"
            create_topics(own_broker.bootstrap_servers, {"dead": 1})
            cluster.topics()
        assert caplog.text.count("topic dead is not there any more") == 2


@pytest.mark.usefixtures("_jvm")
def test_members_of_the_group_are_said(
    own_broker: KafkaBroker, topics: TopicSettings, caplog: pytest.LogCaptureFixture
) -> None:
    group = GroupSettings(consumer_group="shared")
    client = {"bootstrap.servers": own_broker.bootstrap_servers, "client.id": "somebody"}
    other = Consumer({**client, "group.id": "shared"})
    other.subscribe(["raw"])
    while not other.assignment():
        other.poll(0.5)
    with checked_cluster(settings_of(own_broker), topics, group, FOUND):
        assert "group shared has members (somebody on 127.0.0.1): Kafka refuses" in caplog.text
    other.close()
    caplog.clear()
    nobody = GroupSettings(consumer_group="not-there")
    with checked_cluster(settings_of(own_broker), topics, nobody, FOUND):
        assert caplog.text == ""


@pytest.mark.usefixtures("_jvm")
def test_what_the_broker_does_not_tell_is_one_line_and_no_error(
    own_broker: KafkaBroker, topics: TopicSettings, caplog: pytest.LogCaptureFixture
) -> None:
    refuse(own_broker, ResourceType.TOPIC, "predictions", AclOperation.DESCRIBE_CONFIGS)
    refuse(own_broker, ResourceType.GROUP, "closed", AclOperation.DESCRIBE)
    group = GroupSettings(consumer_group="closed")
    with checked_cluster(settings_of(own_broker), topics, group, FOUND) as cluster:
        cluster.check_outputs()
    lines = [record.getMessage() for record in caplog.records if record.levelno > logging.INFO]
    assert [line.partition(":")[0] for line in lines] == [
        "the broker does not tell who is in group closed",
        "the broker does not tell the settings of predictions, which takes DescribeConfigs",
    ]
    assert "GroupAuthorizationException" in lines[0]
    assert "TopicAuthorizationException" in lines[1]


@pytest.mark.usefixtures("_jvm")
def test_a_broker_that_is_away_is_told_in_time(tmp_path: Path) -> None:
    with JvmAdmin({"bootstrap.servers": "127.0.0.1:1"}) as admin:
        with pytest.raises(AdminError, match="TimeoutException") as raised:
            admin.topics(["raw"])
        assert not raised.value.is_refusal


@pytest.mark.usefixtures("_jvm")
def test_a_topic_that_is_made_anew_and_grows_is_noticed_within_seconds(
    own_broker: KafkaBroker, topics: TopicSettings
) -> None:
    address = own_broker.bootstrap_servers
    told: list[str] = []
    store, health = MetricStore(), Health(limits_for(5, is_realtime=False), has_model=False)
    publish(address, "raw", 20, partition=0)
    with admin_of(own_broker) as admin:
        cluster = ClusterChecks(admin, settings_of(own_broker), topics)
        source = cluster.source()
        read = {source.topic: source.topic_id}
        watch = TopicWatch(read, cluster.topics, told.append, goes_back=False)
        offsets = BrokerOffsets("raw", "watched", {"bootstrap.servers": address})
        lag = LagThread(
            offsets,
            store,
            health,
            resume=lambda bounds: bounds.ends,
            commits=False,
        )
        lag.start()
        with lag.watched_by(watch):
            time.sleep(2 * ASK_SECONDS)
            assert told == []
            delete_topics(address, ["raw"])
            create_topics(address, {"raw": 3})
            publish(address, "raw", 70, partition=0)
            deadline = time.monotonic() + 20
            while not told and time.monotonic() < deadline:
                time.sleep(0.1)
        lag.finish(5)
        now = cluster.source().topic_id
    assert told == [
        f"raw has been deleted and made anew (id {source.topic_id} then, {now} now); "
        "20 records are lost or were passed over"
    ]
