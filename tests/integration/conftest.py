"""A real broker for all integration tests: the one that is given, or one of our own."""

from __future__ import annotations

import os
import signal
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from broker_access import OPEN_TO_ALL
from process_logging import logging_as_before

from launcher.cache.class_archive import VARIABLE, Mode
from sandbox.kafka.broker import KafkaBroker
from sandbox.kafka.topics import CustomerTopics, create_topics, delete_topics
from telco_churn.query.settings import TopicSettings

__all__ = ["logging_as_before"]

# A test may use class archives, and leaves nobody behind who makes one.
os.environ.setdefault(VARIABLE, Mode.USE)
# Tests that are started by `nohup`, or behind `&`, ignore these; the jobs that they start must not.
# What is ignored is handed down to them, a handler is not.
for number in (signal.SIGHUP, signal.SIGINT):
    if signal.getsignal(number) == signal.SIG_IGN:
        signal.signal(number, lambda *_: None)


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Bootstrap servers: `KAFKA_BOOTSTRAP_SERVERS`, else those of a broker of our own."""
    if given := os.environ.get("KAFKA_BOOTSTRAP_SERVERS"):
        yield given
        return
    with KafkaBroker(tmp_path_factory.mktemp("kafka")) as own:
        yield own.bootstrap_servers


@pytest.fixture
def topic_names(broker: str) -> Iterator[CustomerTopics]:
    """The job's three topics under names of their own, empty; deleted after the test."""
    prefix = f"test-{uuid.uuid4()}"
    topics = CustomerTopics(f"{prefix}.raw", f"{prefix}.predictions", f"{prefix}.deadletter")
    topics.create(broker)
    yield topics
    topics.delete(broker)


@pytest.fixture
def topic(broker: str) -> Iterator[str]:
    """An empty topic of three partitions; deleted after the test."""
    name = f"customers-{uuid.uuid4()}"
    create_topics(broker, {name: 3})
    yield name
    delete_topics(broker, [name])


@pytest.fixture
def own_log_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets programs that the test starts write their logs below `tmp_path`."""
    monkeypatch.setenv("CHURN_STREAM_LOG_DIR", str(tmp_path / "logs"))


@pytest.fixture(scope="module")
def own_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    """A broker with rules of access, which refuses nothing yet."""
    with KafkaBroker(tmp_path_factory.mktemp("kafka"), overrides=OPEN_TO_ALL) as broker:
        yield broker


@pytest.fixture
def topics(own_broker: KafkaBroker) -> Iterator[TopicSettings]:
    """The job's three topics on it; deleted after the test."""
    names = CustomerTopics("raw", "predictions", "dead")
    names.create(own_broker.bootstrap_servers)
    yield TopicSettings(input_topic="raw", output_topic="predictions", deadletter_topic="dead")
    names.delete(own_broker.bootstrap_servers)
