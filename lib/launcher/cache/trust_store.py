"""Whom this machine trusts, in the form that Java reads.

The Java of the Python packages knows public authorities only. On a machine behind a proxy that
looks into TLS, the packages came by an authority of the house, which Python has been told of.
"""

from __future__ import annotations

import hashlib
import ssl
import struct
from collections.abc import Sequence
from pathlib import Path

_MAGIC, _VERSION, _TRUSTED = 0xFEEDFEED, 2, 2
_PASSWORD = "changeit"
"""The one that every JDK's own store has: it guards nothing, but Java checks the sum by it."""


def trust_options(path: Path) -> list[str]:
    """Options for a JVM that trusts whom this Python trusts; none where that is nobody.

    Args:
        path: Where the store is written; `SSL_CERT_FILE` counts, as for Python itself.
    """
    authorities = ssl.create_default_context().get_ca_certs(binary_form=True)
    if not authorities:
        return []
    path.write_bytes(trust_store(authorities))
    return [
        f"-Djavax.net.ssl.trustStore={path}",
        f"-Djavax.net.ssl.trustStorePassword={_PASSWORD}",
        "-Djavax.net.ssl.trustStoreType=JKS",
    ]


def trust_store(certificates: Sequence[bytes]) -> bytes:
    """A Java key store (JKS) that holds certificates, given in DER, and no keys."""
    entries = b"".join(
        struct.pack(">I", _TRUSTED)
        + _text(f"authority-{number}")
        + struct.pack(">Q", 0)  # when it was put in
        + _text("X.509")
        + struct.pack(">I", len(certificate))
        + certificate
        for number, certificate in enumerate(certificates)
    )
    store = struct.pack(">III", _MAGIC, _VERSION, len(certificates)) + entries
    # Java's own recipe for the sum, words and all.
    salted = _PASSWORD.encode("utf-16-be") + b"Mighty Aphrodite" + store
    return store + hashlib.sha1(salted, usedforsecurity=False).digest()


def _text(text: str) -> bytes:
    return struct.pack(">H", len(text)) + text.encode("ascii")
