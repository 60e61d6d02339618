"""How far behind the query is, as the telemetry beside it sees it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import waiting
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewPartitions
from lag_watch import Watch, watching, write_checkpoint
from pyspark import SparkContext

from sandbox.kafka.broker import KafkaBroker
from sandbox.kafka.topics import create_topics
from stream_telemetry.broker.start_positions import resume_positions
from stream_telemetry.metrics import catalogue

GROUPS = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand"


@pytest.fixture(scope="module", autouse=True)
def _jvm() -> None:
    """The checkpoint is read through the JVM, as beside a query."""
    SparkContext._ensure_initialized()


@pytest.fixture(scope="module")
def own_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    with KafkaBroker(tmp_path_factory.mktemp("kafka")) as broker:
        yield broker


eventually = partial(waiting.eventually, seconds=15.0)


def publish(broker: KafkaBroker, topic: str, partition: int, count: int, age: float = 0) -> None:
    producer = Producer({"bootstrap.servers": broker.bootstrap_servers})
    for number in range(count):
        made = int((time.time() - age) * 1000)
        producer.produce(topic, str(number), partition=partition, timestamp=made)
    assert producer.flush(20) == 0


def test_lag_is_what_kafkas_own_tool_says(own_broker: KafkaBroker, tmp_path: Path) -> None:
    create_topics(own_broker.bootstrap_servers, {"tool": 2})
    publish(own_broker, "tool", 0, 30)
    publish(own_broker, "tool", 1, 12, age=100)
    with watching(own_broker, "tool", tmp_path) as watch:
        assert eventually(lambda: watch.sample(catalogue.LAG, 0) == 30)
        assert watch.sample(catalogue.LAG, 1) == 12
        assert watch.sample(catalogue.BROKER_CONNECTED) == 1
        watch.advance(10, 12)
        assert eventually(lambda: watch.sample(catalogue.LAG, 0) == 20)
        publish(own_broker, "tool", 1, 5)
        assert eventually(lambda: watch.sample(catalogue.LAG, 1) == 5)
    described = own_broker.run_tool(
        GROUPS,
        *("--bootstrap-server", own_broker.bootstrap_servers),
        *("--describe", "--group", "group-of-tool"),
    )
    rows = [line.split() for line in described.splitlines() if line.startswith("group-of-tool")]
    assert sorted((row[2], row[5]) for row in rows) == [("0", "20"), ("1", "5")]


def test_seconds_behind_are_the_age_of_the_oldest_waiting_record(
    own_broker: KafkaBroker, tmp_path: Path
) -> None:
    create_topics(own_broker.bootstrap_servers, {"ages": 2})
    publish(own_broker, "ages", 0, 3, age=900)
    publish(own_broker, "ages", 0, 3, age=100)
    with watching(own_broker, "ages", tmp_path) as watch:
        assert eventually(lambda: (watch.sample(catalogue.LAG_SECONDS, 0) or 0) > 899)
        assert watch.sample(catalogue.LAG_SECONDS, 1) == 0
        watch.health.heard("running")
        assert watch.health.state == "lagging"
        watch.advance(3, 0)
        assert eventually(lambda: 99 < (watch.sample(catalogue.LAG_SECONDS, 0) or 0) < 200)
        watch.advance(6, 0)
        assert eventually(lambda: watch.sample(catalogue.LAG_SECONDS, 0) == 0)
        assert watch.health.state == "running"


def test_after_a_restart_the_checkpoint_says_where_the_query_stands(
    own_broker: KafkaBroker, tmp_path: Path
) -> None:
    create_topics(own_broker.bootstrap_servers, {"restart": 2})
    publish(own_broker, "restart", 0, 10)
    write_checkpoint(tmp_path, "restart", 4, 0)
    with watching(own_broker, "restart", tmp_path, "latest") as watch:
        assert eventually(lambda: watch.sample(catalogue.LAG, 0) == 6)


def test_a_checkpoint_elsewhere_is_stood_in_for_by_the_group(
    own_broker: KafkaBroker, tmp_path: Path
) -> None:
    create_topics(own_broker.bootstrap_servers, {"remote": 1})
    publish(own_broker, "remote", 0, 10)
    with watching(own_broker, "remote", tmp_path) as first:
        first.advance(7)
    elsewhere = Watch(own_broker, "remote", tmp_path)
    elsewhere.thread._resume = resume_positions(
        "s3://bucket/checkpoint", "latest", elsewhere.thread._offsets.committed
    )
    elsewhere.thread.start()
    assert eventually(lambda: elsewhere.sample(catalogue.LAG, 0) == 3)
    elsewhere.thread.finish(10)


def test_without_a_checkpoint_starting_offsets_decide(
    own_broker: KafkaBroker, tmp_path: Path
) -> None:
    create_topics(own_broker.bootstrap_servers, {"fresh": 2})
    publish(own_broker, "fresh", 0, 9)
    publish(own_broker, "fresh", 1, 9)
    with watching(own_broker, "fresh", tmp_path, '{"fresh": {"0": 5, "1": -1}}') as watch:
        assert eventually(lambda: watch.sample(catalogue.LAG, 0) == 4)
        assert watch.sample(catalogue.LAG, 1) == 0
    with watching(own_broker, "fresh", tmp_path, "latest") as watch:
        assert eventually(lambda: watch.sample(catalogue.LAG, 0) == 0)


def test_a_partition_that_is_added_counts_from_its_beginning(
    own_broker: KafkaBroker, tmp_path: Path
) -> None:
    create_topics(own_broker.bootstrap_servers, {"grows": 1})
    with watching(own_broker, "grows", tmp_path, "latest") as watch:
        assert eventually(lambda: watch.sample(catalogue.LAG, 0) == 0)
        admin = AdminClient({"bootstrap.servers": own_broker.bootstrap_servers})
        admin.create_partitions([NewPartitions("grows", 2)])["grows"].result(10)
        publish(own_broker, "grows", 1, 8)
        assert eventually(lambda: watch.sample(catalogue.LAG, 1) == 8)


def test_records_that_kafka_deleted_unread_are_counted_once(
    own_broker: KafkaBroker, tmp_path: Path
) -> None:
    create_topics(own_broker.bootstrap_servers, {"expires": 1})
    publish(own_broker, "expires", 0, 20)
    admin = AdminClient({"bootstrap.servers": own_broker.bootstrap_servers})
    with watching(own_broker, "expires", tmp_path) as watch:
        assert eventually(lambda: watch.sample(catalogue.RECORDS_LOST, 0) == 0)
        watch.advance(5)
        for before, lost in ((12, 7), (15, 10)):
            for deleted in admin.delete_records([TopicPartition("expires", 0, before)]).values():
                deleted.result(10)
            assert eventually(partial(watch.has_lost, lost))
        watch.advance(20)
        time.sleep(0.5)
        assert watch.sample(catalogue.RECORDS_LOST, 0) == 10


def test_a_broker_that_is_away_shows_within_15_seconds_and_so_does_its_return(
    own_broker: KafkaBroker, tmp_path: Path
) -> None:
    create_topics(own_broker.bootstrap_servers, {"away": 1})
    with watching(own_broker, "away", tmp_path) as watch:
        assert eventually(lambda: watch.sample(catalogue.BROKER_CONNECTED) == 1)
        own_broker.pause()
        try:
            assert eventually(lambda: watch.sample(catalogue.BROKER_CONNECTED) == 0)
            assert watch.broker_check() == "fail"
            assert (watch.sample(catalogue.POLL_ERRORS) or 0) >= 1
        finally:
            own_broker.resume()
        assert eventually(lambda: watch.sample(catalogue.BROKER_CONNECTED) == 1)
        assert watch.broker_check() == "pass"


def test_an_error_that_nobody_has_thought_of_is_survived_and_counted(
    own_broker: KafkaBroker, tmp_path: Path
) -> None:
    create_topics(own_broker.bootstrap_servers, {"surprise": 1})
    publish(own_broker, "surprise", 0, 9)
    # What Spark takes for a new checkpoint; nothing has checked it yet.
    with watching(own_broker, "surprise", tmp_path, "neither") as watch:

        def errors() -> float:
            labels = {"worker": "lag"}
            return watch.registry.get_sample_value(catalogue.WORKER_ERRORS.name, labels) or 0

        assert eventually(lambda: errors() >= 2)
        assert watch.health.checks["telemetry"] == "pass", "not yet for long"
        watch.advance(4)
        committed = watch.thread._offsets.committed
        assert eventually(lambda: committed() == {("surprise", 0): 4}), "commits go on"
        watch.thread._resume = resume_positions(str(tmp_path), "earliest", committed)
        assert eventually(lambda: watch.sample(catalogue.LAG, 0) == 5)


def test_a_checkpoint_that_cannot_be_read_leaves_it_to_the_starting_offsets(
    own_broker: KafkaBroker, tmp_path: Path
) -> None:
    create_topics(own_broker.bootstrap_servers, {"damaged": 1})
    publish(own_broker, "damaged", 0, 5)
    write_checkpoint(tmp_path, "damaged", 1)
    (tmp_path / "offsets" / "7").write_text("v1")
    with watching(own_broker, "damaged", tmp_path) as watch:
        assert eventually(lambda: watch.sample(catalogue.LAG, 0) == 5)
