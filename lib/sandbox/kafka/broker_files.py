"""The files that a single-node Kafka (KRaft) is started from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sandbox.ports import LOOPBACK

_LOGGING = """\
rootLogger.level = ${sys:sandbox.log.level:-WARN}
rootLogger.appenderRef.output.ref = output
appender.output.type = Console
appender.output.name = output
appender.output.target = SYSTEM_ERR
appender.output.layout.type = PatternLayout
appender.output.layout.pattern = %d{ISO8601} %p %c{1}: %m%n
# Lists every setting at each start.
logger.config.name = org.apache.kafka.common.config
logger.config.level = WARN
"""


def server_properties(
    data: Path,
    port: int,
    controller_port: int,
    overrides: Mapping[str, str],
    protocol: str = "PLAINTEXT",
) -> dict[str, str]:
    """Settings of a broker that is its own controller and listens on the loopback address only.

    Internal topics have one partition and one replica: all that one broker can hold, and soon made.
    """
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@{LOOPBACK}:{controller_port}",
        "listeners": f"{protocol}://{LOOPBACK}:{port},CONTROLLER://{LOOPBACK}:{controller_port}",
        "advertised.listeners": f"{protocol}://{LOOPBACK}:{port}",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": f"{protocol}:{protocol},CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": protocol,
        "log.dirs": str(data),
        # After a kill the controller refuses the same broker until its old session has ended.
        "broker.session.timeout.ms": "3000",
        "broker.heartbeat.interval.ms": "500",
        "auto.create.topics.enable": "false",
        "group.initial.rebalance.delay.ms": "0",
        "offsets.topic.num.partitions": "1",
        "offsets.topic.replication.factor": "1",
        "transaction.state.log.num.partitions": "1",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "share.coordinator.state.topic.num.partitions": "1",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        **overrides,
    }


def write_properties(path: Path, properties: Mapping[str, str]) -> None:
    """Writes a Java properties file."""
    lines = [f"{name}={_escaped(value)}\n" for name, value in properties.items()]
    path.write_text("".join(lines), encoding="latin-1", errors="backslashreplace")


def write_logging(path: Path) -> None:
    """Writes the Log4j settings by which Kafka logs to standard error.

    The level is WARN, or that of the system property `sandbox.log.level`.
    """
    path.write_text(_LOGGING)


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n")
