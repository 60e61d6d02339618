"""A broker of our own: how it is asked, and how it is made to refuse."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from sandbox.kafka.broker import KafkaBroker
from stream_telemetry.broker.admin import JvmAdmin
from telco_churn.query.settings import BrokerSettings

OPEN_TO_ALL = {
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "allow.everyone.if.no.acl.found": "true",
}
"""Settings of a broker that refuses nothing, until `refuse` says so."""


@contextmanager
def admin_of(broker: KafkaBroker) -> Iterator[JvmAdmin]:
    with JvmAdmin({"bootstrap.servers": broker.bootstrap_servers}) as admin:
        yield admin


def settings_of(broker: KafkaBroker) -> BrokerSettings:
    return BrokerSettings(broker=broker.bootstrap_servers)


def refuse(broker: KafkaBroker, kind: ResourceType, name: str, operation: AclOperation) -> None:
    """Lets everybody do everything but this."""
    admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers})
    rules = [
        (AclOperation.ALL, AclPermissionType.ALLOW),
        (operation, AclPermissionType.DENY),
    ]
    bindings = [
        AclBinding(kind, name, ResourcePatternType.LITERAL, "User:*", "*", what, permission)
        for what, permission in rules
    ]
    for made in admin.create_acls(bindings).values():
        made.result(30)
