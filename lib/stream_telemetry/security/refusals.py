"""Why a client does not get in, and what to do about it."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator, Mapping, Sequence

from confluent_kafka import KafkaError

_LOGIN = "see the login in the file that --kafka-config names"
_CERTIFICATES = (
    "see the certificates on both sides, and those in the file that --kafka-config names"
)
_REMEDIES = {KafkaError._AUTHENTICATION: _LOGIN, KafkaError._SSL: _CERTIFICATES}
_SERVER = re.compile(r"(?:\w+://)?\[?(.+?)\]?:(\d+)")
_LOOK_SECONDS = 3.0
_ALERT = "tls alert"
"""What OpenSSL says when it was the broker that ended the connection, after the handshake."""


def reason_and_remedy(
    client: Mapping[str, str], complaints: Sequence[KafkaError], last: KafkaError
) -> str:
    """Why a client gets no answer, in brackets, and what to do about it.

    Args:
        client: its settings.
        complaints: what `error_cb` was given.
        last: the error of the call that was given up; often just that time has run out.
    """
    told = next((c for c in complaints if c.code() in _REMEDIES), None)
    said = told or (complaints[0] if complaints else last)
    reason, remedy = said.str(), _REMEDIES.get(said.code(), "start it, or set --broker")
    if said.code() == KafkaError._SSL:
        reason = _fault_of_certificate(client) or reason
    elif _ALERT in reason:
        remedy = "see whether it accepts the certificate that ssl.keystore.location names"
    elif told is None and (server := _speaking_tls(client)):
        # librdkafka just calls a broker down that ends the connection.
        reason, remedy = f"{server} speaks TLS", "set --kafka-config, a file with login and TLS"
    return f"({reason}); {remedy}"


def is_refusal(complaints: Sequence[KafkaError]) -> bool:
    """Whether a broker was there, and login or certificates did not do."""
    return any(c.code() in _REMEDIES or _ALERT in c.str() for c in complaints)


def _fault_of_certificate(client: Mapping[str, str]) -> str:
    """What is wrong with a broker's certificate; librdkafka has one text for all that can be."""
    authorities = client.get("ssl.ca.location", "probe")
    context = ssl.create_default_context(
        cafile=None if authorities == "probe" else authorities, cadata=client.get("ssl.ca.pem")
    )
    context.check_hostname = client.get("ssl.endpoint.identification.algorithm") == "https"
    for server, error in _handshakes(client, context):
        if isinstance(error, ssl.SSLCertVerificationError):
            return f"the certificate of {server} is not accepted: {error.verify_message}"
    return ""


def _speaking_tls(client: Mapping[str, str]) -> str:
    """The first server that does, whoever it is, where the client does not; empty for none."""
    if client.get("security.protocol", "").endswith("SSL"):
        return ""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return next((s for s, error in _handshakes(client, context) if error is None), "")


def _handshakes(
    client: Mapping[str, str], context: ssl.SSLContext
) -> Iterator[tuple[str, OSError | None]]:
    """Each bootstrap server, with what is in the way of TLS to it."""
    for server in map(str.strip, client["bootstrap.servers"].split(",")):
        if not (found := _SERVER.fullmatch(server)):
            continue
        try:
            with (
                socket.create_connection((found[1], int(found[2])), _LOOK_SECONDS) as plain,
                context.wrap_socket(plain, server_hostname=found[1]),
            ):
                yield server, None
        except OSError as error:
            yield server, error
