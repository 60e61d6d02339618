"""Certificates and keys as PEM, the one form that both of Kafka's clients read."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

from stream_telemetry.errors import KafkaConfigError

_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END \1-----", re.DOTALL)
_CERTIFICATE, _KEY, _ENCRYPTED = "CERTIFICATE", "PRIVATE KEY", "ENCRYPTED PRIVATE KEY"


def read_pem(name: str, path: str) -> str:
    """The text of a file that a property names.

    Raises:
        KafkaConfigError: it cannot be read, or holds no PEM.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise KafkaConfigError(f"{name}: {path} cannot be read ({error.strerror})") from error
    text = content.decode("utf-8", "replace")
    if not _BLOCK.search(text):
        raise KafkaConfigError(f"{name}: {path} holds no PEM; {_how(name)}")
    return text


def check_authority(name: str, text: str) -> None:
    """Raises KafkaConfigError where the PEM holds no certificate."""
    if _CERTIFICATE not in _kinds(text):
        raise KafkaConfigError(f"{name} holds no certificate of an authority; put it there")


def check_own(name: str, text: str, *, has_password: bool) -> None:
    """Sees whether both clients can prove by the PEM who they are.

    Args:
        name: of the property, for errors.
        text: certificate chain and private key.
        has_password: whether a password of the key is known.

    Raises:
        KafkaConfigError: one of the two is missing, or in a form that one client cannot read.
    """
    kinds = _kinds(text)
    if _CERTIFICATE not in kinds:
        raise KafkaConfigError(f"{name} holds no certificate; put the chain there, own one first")
    if other := sorted(k for k in kinds if k.endswith(_KEY) and k not in (_KEY, _ENCRYPTED)):
        raise KafkaConfigError(
            f"{name} holds an {other[0]}, which Java does not read; make a PRIVATE KEY of it: "
            "openssl pkcs8 -topk8 -nocrypt -in key.pem"
        )
    if not kinds & {_KEY, _ENCRYPTED}:
        raise KafkaConfigError(f"{name} holds no private key; put it behind the certificates")
    if _ENCRYPTED in kinds and not has_password:
        raise KafkaConfigError(f"{name} holds an encrypted key; set ssl.key.password")


def check_type(kind: str, given: str | None) -> None:
    """Refuses stores that librdkafka cannot read.

    Args:
        kind: truststore or keystore.
        given: the store's type, if it is said.

    Raises:
        KafkaConfigError: it is not PEM.
    """
    name = f"ssl.{kind}.type"
    if given != "PEM":
        said = f"{name} is {given}" if given else f"{name} is not set, so the store is JKS"
        raise KafkaConfigError(f"{said}, which librdkafka does not read; {_how(name)}")


def in_lines(text: str) -> str:
    """PEM in lines of 64 characters, as OpenSSL wants it; Java takes it in one line too."""
    return "\n".join(
        f"-----BEGIN {kind}-----\n"
        + "\n".join(textwrap.wrap("".join(body.split()), 64))
        + f"\n-----END {kind}-----\n"
        for kind, body in _BLOCK.findall(text)
    )


def _kinds(text: str) -> set[str]:
    return {kind for kind, _ in _BLOCK.findall(text)}


def _how(name: str) -> str:
    what = "-nokeys" if "truststore" in name else "-nodes"
    kind = "truststore" if "truststore" in name else "keystore"
    return (
        "make it PEM: keytool -importkeystore -srckeystore OLD -destkeystore new.p12 "
        f"-deststoretype PKCS12, then openssl pkcs12 -in new.p12 {what} -out new.pem, and set "
        f"ssl.{kind}.type=PEM"
    )
