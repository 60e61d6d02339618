"""Names of properties: which may stand in the file, and what librdkafka calls them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping

from stream_telemetry.errors import KafkaConfigError

ALIKE = (
    "security.protocol",
    "sasl.mechanism",
    "sasl.oauthbearer.token.endpoint.url",
    "client.dns.lookup",
    "connections.max.idle.ms",
    "metadata.max.age.ms",
    "socket.connection.setup.timeout.ms",
)
"""Both clients have these, and mean the same by them."""

RENAMED = {
    "ssl.truststore.location": ("ssl.ca.location",),
    "ssl.truststore.certificates": ("ssl.ca.pem",),
    # One file with the chain and the key; librdkafka takes from it what it looks for.
    "ssl.keystore.location": ("ssl.certificate.location", "ssl.key.location"),
    "ssl.keystore.certificate.chain": ("ssl.certificate.pem",),
    "ssl.keystore.key": ("ssl.key.pem",),
    "ssl.key.password": ("ssl.key.password",),
}
"""What librdkafka calls them."""

LOGIN = "sasl.jaas.config"
USER = {"sasl.username": "username", "sasl.password": "password"}
CLIENT = {
    "sasl.oauthbearer.client.credentials.client.id": "clientId",
    "sasl.oauthbearer.client.credentials.client.secret": "clientSecret",
    "sasl.oauthbearer.scope": "scope",
}
"""Parts of a login, and the options of Java's login modules that they are."""

HANDLER = "sasl.login.callback.handler.class"
HOST_CHECK = "ssl.endpoint.identification.algorithm"
# librdkafka settles on a version of TLS by itself, 1.2 at least.
JVM_ONLY = ("ssl.truststore.type", "ssl.keystore.type", "ssl.protocol", "ssl.enabled.protocols")

SECRETS = {
    *(LOGIN, *USER, *CLIENT, "ssl.key.password", "ssl.keystore.key"),
    # No secrets, but of many lines.
    *("ssl.keystore.certificate.chain", "ssl.truststore.certificates"),
} - {"sasl.oauthbearer.scope"}
"""Values that are handed to the JVM as references."""

KNOWN = {*ALIKE, *RENAMED, *USER, *CLIENT, *JVM_ONLY, LOGIN, HANDLER, HOST_CHECK}

_LIKE_A_NAME = re.compile(r"[a-z][a-z0-9._-]*")
_ELSEWHERE = {
    "bootstrap.servers": "name them by --broker, and leave it out here",
    "ssl.truststore.password": "a PEM truststore has none; leave it out",
    "ssl.keystore.password": "a PEM keystore has none; leave it out, or set ssl.key.password",
}


def check_names(properties: Mapping[str, str]) -> None:
    """Refuses a name that one of the clients does not know, or that is no matter of this file.

    Raises:
        KafkaConfigError: names it, and what to do.
    """
    for name, value in properties.items():
        if name in KNOWN:
            continue
        if advice := _ELSEWHERE.get(name):
            raise KafkaConfigError(f"{name} cannot be used: {advice}")
        near = difflib.get_close_matches(name, KNOWN, n=1, cutoff=0.8)
        if near:
            raise KafkaConfigError(f"{name} is not known; did you mean {near[0]}?")
        if not value or not _LIKE_A_NAME.fullmatch(name):
            # Such as a password alone, or the second line of a key.
            raise KafkaConfigError(
                "has a line that is not name=value; put a backslash at the end of each line of a "
                "value but its last"
            )
        raise KafkaConfigError(
            f"{name} is not one of the names for security and connections that both of Kafka's "
            "clients have (docs/security.md); leave it out"
        )
