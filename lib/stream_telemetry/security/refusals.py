"""Why a client does not get in, and what to do about it."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Mapping, Sequence

from confluent_kafka import KafkaError

_LOGIN = "see the login in the file that --kafka-config names"
_CERTIFICATES = (
    "see the certificates on both sides, and those in the file that --kafka-config names"
)
_REMEDIES = {KafkaError._AUTHENTICATION: _LOGIN, KafkaError._SSL: _CERTIFICATES}
_SERVER = re.compile(r"(?:\w+://)?\[?(.+?)\]?:(\d+)")
_LOOK_SECONDS = 3.0


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
    remedy = _REMEDIES.get(said.code(), "start it, or set --broker")
    reason = said.str()
    # librdkafka guesses so from a connection that is closed at once.
    if "security.protocol" in reason:
        remedy = "name a file with its login and TLS: --kafka-config"
    if said.code() == KafkaError._SSL:
        reason = _fault_of_certificate(client) or reason
    return f"({reason}); {remedy}"


def is_refusal(complaints: Sequence[KafkaError]) -> bool:
    """Whether a broker was there, and login or certificates did not do."""
    return any(complaint.code() in _REMEDIES for complaint in complaints)


def _fault_of_certificate(client: Mapping[str, str]) -> str:
    """What is wrong with a broker's certificate; librdkafka has one text for all that can be."""
    authorities = client.get("ssl.ca.location", "probe")
    context = ssl.create_default_context(
        cafile=None if authorities == "probe" else authorities, cadata=client.get("ssl.ca.pem")
    )
    context.check_hostname = client.get("ssl.endpoint.identification.algorithm") == "https"
    for server in client["bootstrap.servers"].split(","):
        if not (found := _SERVER.fullmatch(server.strip())):
            continue
        try:
            with (
                socket.create_connection((found[1], int(found[2])), _LOOK_SECONDS) as plain,
                context.wrap_socket(plain, server_hostname=found[1]),
            ):
                continue
        except ssl.SSLCertVerificationError as error:
            return f"the certificate of {server.strip()} is not accepted: {error.verify_message}"
        except OSError:
            continue
    return ""
