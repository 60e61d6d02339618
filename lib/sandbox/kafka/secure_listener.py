"""TLS and a login for the sandbox's broker, made on the spot and thrown away with it."""

from __future__ import annotations

import os
import secrets
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from launcher.child import complaint_in
from launcher.java import chosen_java
from sandbox.errors import SandboxError
from sandbox.kafka.broker_files import write_properties
from sandbox.ports import LOOPBACK

PROTOCOL = "SASL_SSL"
USER = "sandbox"
_ALIAS, _PASSWORD = "broker", "STORE_PASSWORD"
_DAYS = 30
_LIMIT_SECONDS = 60.0
_MODULE = "org.apache.kafka.common.security.plain.PlainLoginModule"


@dataclass(frozen=True)
class SecureListener:
    """How a broker listens, and how clients get in.

    Attributes:
        overrides: settings of the broker.
        kafka_config: the file for clients, as `--kafka-config` takes it.
    """

    overrides: Mapping[str, str]
    kafka_config: Path


def make_secure_listener(directory: Path) -> SecureListener:
    """Makes a certificate, a password, and the file for clients, below a directory.

    Raises:
        SandboxError: they cannot be made.
    """
    password = secrets.token_urlsafe(16)
    store, authority = directory / "broker.p12", directory / "ca.pem"
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        _make_certificate(store, authority, password)
        kafka_config = _write_for_clients(directory / "kafka.properties", authority, password)
    except OSError as error:
        raise SandboxError(f"cannot write to {directory}: {error}") from error
    login = f'{_MODULE} required username="{USER}" password="{password}" user_{USER}="{password}";'
    return SecureListener(
        {
            "ssl.keystore.type": "PKCS12",
            "ssl.keystore.location": str(store),
            "ssl.keystore.password": password,
            # At its start a broker tries whether it would get in itself.
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(authority),
            "sasl.enabled.mechanisms": "PLAIN",
            "sasl.mechanism.inter.broker.protocol": "PLAIN",
            f"listener.name.{PROTOCOL.lower()}.plain.sasl.jaas.config": login,
        },
        kafka_config,
    )


def _make_certificate(store: Path, authority: Path, password: str) -> None:
    """A key with its certificate, which is its own authority."""
    given = ["-alias", _ALIAS, "-keystore", str(store), "-storepass:env", _PASSWORD]
    made = ["-genkeypair", "-keyalg", "EC", "-dname", "CN=sandbox", "-validity", str(_DAYS)]
    _keytool([*made, "-ext", f"san=ip:{LOOPBACK}", *given], password)
    _keytool(["-exportcert", "-rfc", "-file", str(authority), *given], password)


def _keytool(words: list[str], password: str) -> None:
    tool = chosen_java().program.with_name("keytool")
    # Its environment holds the password: a command line everybody may read.
    try:
        done = subprocess.run(
            [str(tool), *words],
            env={**os.environ, _PASSWORD: password},
            capture_output=True,
            text=True,
            timeout=_LIMIT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SandboxError(
            f"no certificate could be made: {tool} does not run ({error})"
        ) from error
    if done.returncode:
        raise SandboxError(
            f"no certificate could be made: {complaint_in(done.stdout + done.stderr)}"
        )


def _write_for_clients(path: Path, authority: Path, password: str) -> Path:
    path.touch(mode=0o600)
    write_properties(
        path,
        {
            "security.protocol": PROTOCOL,
            "sasl.mechanism": "PLAIN",
            "sasl.username": USER,
            "sasl.password": password,
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(authority),
        },
    )
    return path
