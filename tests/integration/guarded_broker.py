"""A broker that allows nothing but what its rules say, with a login for each program."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from confluent_kafka import KafkaException, TopicCollection
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)
from secured_broker import SASL

from sandbox.kafka.broker import KafkaBroker
from sandbox.ports import LOOPBACK, free_port
from telco_churn.query.settings import BrokerSettings
from telco_churn.rights.needed import Right

OBEYED_SECONDS = 30.0
"""A rule is obeyed some time after the broker has taken it."""


@dataclass(frozen=True)
class GuardedBroker:
    """The broker, and the address at which it wants a login."""

    broker: KafkaBroker
    servers: str
    directory: Path

    def way_in(self, user: str) -> BrokerSettings:
        path = self.directory / f"{user}.properties"
        path.touch(mode=0o600)
        login = f"sasl.mechanism=PLAIN\nsasl.username={user}\nsasl.password={user}-secret\n"
        path.write_text(f"security.protocol=SASL_PLAINTEXT\n{login}")
        return BrokerSettings(broker=self.servers, kafka_config=path)

    def options(self, user: str) -> tuple[str, ...]:
        return "--broker", self.servers, "--kafka-config", str(self.way_in(user).kafka_config)

    def give(self, user: str, rights: Iterable[Right]) -> None:
        admin = self._admin()
        for right in rights:
            for made in admin.create_acls([_rule(user, right)]).values():
                made.result(30)
            self._wait_until(user, right, is_given=True)

    def take(self, user: str, right: Right) -> None:
        rule = _rule(user, right)
        filters = AclBindingFilter(
            rule.restype,
            rule.name,
            rule.resource_pattern_type,
            rule.principal,
            rule.host,
            rule.operation,
            rule.permission_type,
        )
        admin = self._admin()
        for deleted in admin.delete_acls([filters]).values():
            assert len(deleted.result(30)) == 1
        self._wait_until(user, right, is_given=False)

    @contextmanager
    def without(self, user: str, right: Right) -> Iterator[None]:
        """A block in which this one is missing."""
        self.take(user, right)
        try:
            yield
        finally:
            self.give(user, [right])

    def rules(self) -> set[tuple[str, str, str, str]]:
        """All that there are: user, operation, kind, name; as Kafka's tools write them."""
        anybody: Any = None
        everything = AclBindingFilter(
            ResourceType.ANY,
            anybody,
            ResourcePatternType.ANY,
            anybody,
            anybody,
            AclOperation.ANY,
            AclPermissionType.ANY,
        )
        admin = self._admin()
        return {
            (
                rule.principal,
                rule.operation.name.title().replace("_", ""),
                rule.restype.name.lower().replace("_", "-"),
                rule.name,
            )
            for rule in admin.describe_acls(everything).result(30)
        }

    def _admin(self) -> AdminClient:
        return AdminClient({"bootstrap.servers": self.broker.bootstrap_servers})

    def _wait_until(self, user: str, right: Right, *, is_given: bool) -> None:
        asker = AdminClient(dict(self.way_in(user).client))
        rule = (f"User:{user}", right.operation, right.kind, right.name)
        deadline = time.monotonic() + OBEYED_SECONDS
        # Of transactional ids the broker tells nobody what he may.
        while (
            (rule in self.rules())
            if right.kind == "transactional-id"
            else (_operation(right) in _allowed(asker, right))
        ) is not is_given:
            assert time.monotonic() < deadline, f"{right} is not obeyed"
            time.sleep(0.1)


@contextmanager
def guarded_broker(directory: Path, users: Sequence[str]) -> Iterator[GuardedBroker]:
    """Who comes without a login, at another port, may do everything: the broker, and the tests."""
    ports = {name: free_port() for name in ("plaintext", "guarded", "controller")}
    places = {name: f"{name.upper()}://{LOOPBACK}:{port}" for name, port in ports.items()}
    logins = " ".join(f'user_{user}="{user}-secret"' for user in users)
    overrides = {
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "allow.everyone.if.no.acl.found": "false",
        "super.users": "User:ANONYMOUS",
        "listeners": ",".join(places.values()),
        "advertised.listeners": f"{places['plaintext']},{places['guarded']}",
        "controller.quorum.voters": f"1@{LOOPBACK}:{ports['controller']}",
        "listener.security.protocol.map": (
            "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,GUARDED:SASL_PLAINTEXT"
        ),
        "listener.name.guarded.sasl.enabled.mechanisms": "PLAIN",
        "listener.name.guarded.plain.sasl.jaas.config": (
            f"{SASL}.plain.PlainLoginModule required {logins};"
        ),
    }
    with KafkaBroker(directory / "kafka", ports["plaintext"], overrides) as broker:
        yield GuardedBroker(broker, f"{LOOPBACK}:{ports['guarded']}", directory)


def _operation(right: Right) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", right.operation).upper()


def _rule(user: str, right: Right) -> AclBinding:
    is_prefix = right.kind == "transactional-id"
    return AclBinding(
        ResourceType[right.kind.upper().replace("-", "_")],
        right.name,
        ResourcePatternType.PREFIXED if is_prefix else ResourcePatternType.LITERAL,
        f"User:{user}",
        "*",
        AclOperation[_operation(right)],
        AclPermissionType.ALLOW,
    )


def _allowed(asker: AdminClient, right: Right) -> set[str]:
    """What the broker allows this user with the topic or group of a right."""
    if right.kind == "topic":
        wanted = TopicCollection([right.name])
        asked = asker.describe_topics(wanted, include_authorized_operations=True)
    else:
        asked = asker.describe_consumer_groups([right.name], include_authorized_operations=True)
    try:
        (answer,) = (future.result(30) for future in asked.values())
    except KafkaException:
        return set()
    return {operation.name for operation in answer.authorized_operations}
