"""The settings of the query: broker, topics, trigger, where it begins and how far it reads."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from stream_telemetry.options import OFF, option
from stream_telemetry.security.kafka_config import KafkaConfig
from stream_telemetry.security.live_client import LiveClient
from stream_telemetry.values import choice, count, file, on_off, or_off, text
from telco_churn.settings.trigger import Trigger, parse_trigger

# As Kafka's own clients read it (org.apache.kafka.common.utils.Utils.HOST_PORT_PATTERN).
_SERVER = r"(\w+://)?([\w.%-]+|\[[\w.%:-]+\]):(?P<port>\d{1,5})"


def topic(value: str) -> str:
    """A topic's name."""
    # Kafka's own rule for names (org.apache.kafka.common.internals.Topic).
    if not re.fullmatch(r"[a-zA-Z0-9._-]{1,249}", value) or value in (".", ".."):
        raise ValueError("is not a topic name; use letters, digits, '.', '_' and '-'")
    return value


def servers(value: str) -> str:
    """A list of bootstrap servers."""
    for server in value.split(","):
        found = re.fullmatch(_SERVER, server.strip(), re.ASCII)
        if found is None or not 0 < int(found["port"]) < 65536:
            raise ValueError("is not a list of bootstrap servers; write host:port[,host:port]")
    return value


def starting_offsets(value: str) -> str:
    """Where a new checkpoint begins, as Spark takes it."""
    if value in ("earliest", "latest"):
        return value
    try:
        is_object = isinstance(json.loads(value), dict)
    except ValueError:
        is_object = False
    if not is_object:
        raise ValueError('must be earliest, latest, or JSON such as {"topic":{"0":42}}')
    return value


@dataclass(frozen=True, kw_only=True)
class BrokerSettings:
    """Kafka."""

    broker: str = option(
        "localhost:9092",
        "Kafka bootstrap servers",
        parse=servers,
        variable="KAFKA_BOOTSTRAP_SERVERS",
        metavar="HOST:PORT,…",
    )
    kafka_config: Path | None = option(
        OFF,
        "file with login and TLS, in the names of Kafka's Java client",
        parse=or_off(file),
        metavar="FILE",
        is_secret=True,
    )

    def __post_init__(self) -> None:
        """Raises ValueError when the file cannot be used."""
        if self.kafka_config:
            KafkaConfig.read(self.kafka_config)

    @property
    def client(self) -> LiveClient:
        """Librdkafka's settings that every client of this broker needs."""
        return LiveClient(self.broker, self.kafka_config, KafkaConfig.for_librdkafka)

    @property
    def jvm_client(self) -> LiveClient:
        """The same for the Java client; it gets references to the secrets, not these."""
        return LiveClient(self.broker, self.kafka_config, KafkaConfig.for_jvm)

    @property
    def token_endpoint(self) -> str | None:
        """Where the clients get their tokens, if they log in by these."""
        return KafkaConfig.read(self.kafka_config).token_endpoint if self.kafka_config else None


@dataclass(frozen=True, kw_only=True)
class TopicSettings:
    """Topics."""

    input_topic: str = option(
        "telco.raw.customers", "topic of customer events", parse=topic, metavar="TOPIC"
    )
    output_topic: str = option(
        "telco.churn.predictions", "topic of predictions", parse=topic, metavar="TOPIC"
    )
    deadletter_topic: str = option(
        "telco.deadletter", "topic of dead letters", parse=topic, metavar="TOPIC"
    )

    def __post_init__(self) -> None:
        """Raises ValueError when two of the topics are one."""
        if len(set(self.all)) < len(self.all):
            raise ValueError(f"topics {', '.join(self.all)}: all three must differ")

    @property
    def outputs(self) -> tuple[str, str]:
        """The topics that the job writes to."""
        return self.output_topic, self.deadletter_topic

    @property
    def all(self) -> tuple[str, str, str]:
        """The topic that the job reads, then those that it writes to."""
        return self.input_topic, *self.outputs


@dataclass(frozen=True, kw_only=True)
class GroupSettings:
    """Consumer group."""

    consumer_group: str = option(
        "telco-churn-consumer", "name under which the job reads", parse=text, metavar="GROUP"
    )
    commit_progress: bool = option(
        "on",
        "tell Kafka the consumer group's progress: on or off",
        parse=on_off,
        metavar="ON|OFF",
    )


@dataclass(frozen=True, kw_only=True)
class ReadSettings:
    """Reading."""

    trigger: Trigger = option(
        "5 seconds",
        "an interval; once (all there is now, then exit); realtime or realtime=1 minute",
        parse=parse_trigger,
        metavar="WHEN",
    )
    starting_offsets: str = option(
        "earliest",
        "where a new checkpoint begins: earliest, latest or JSON",
        parse=starting_offsets,
        metavar="WHERE",
    )
    max_offsets_per_trigger: int = option(
        "50000",
        "most records in a micro-batch (real-time mode has no such limit)",
        parse=count(1),
        metavar="N",
    )
    on_data_loss: str = option(
        "fail",
        "when Kafka has deleted what comes next: fail, or continue and count what is lost",
        parse=choice("fail", "continue"),
        metavar="WHAT",
    )

    @property
    def accepts_loss(self) -> bool:
        """Whether the query goes on where Kafka has deleted what comes next."""
        return self.on_data_loss == "continue"


@dataclass(frozen=True, kw_only=True)
class CheckpointSettings:
    """Checkpoint."""

    checkpoint: str = option(
        "checkpoints/churn", "checkpoint directory or URI", parse=text, metavar="DIR"
    )
