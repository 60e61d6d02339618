"""A broker with a listener for each way in, and the files of a client for each of them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from broker_access import OPEN_TO_ALL
from certificates import Authority
from confluent_kafka.admin import (
    AdminClient,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)
from token_endpoint import TokenServer, token_server

from sandbox.kafka.broker import KafkaBroker
from sandbox.ports import LOOPBACK, free_port

CANARY = "canary-6f2a"
USER, PASSWORD = "churn", f"{CANARY}\u00e9"
SASL = "org.apache.kafka.common.security"
_PROTOCOLS = {
    "plaintext": "PLAINTEXT",
    "controller": "PLAINTEXT",
    "scram": "SASL_SSL",
    "plain": "SASL_SSL",
    "oauth": "SASL_SSL",
    "mtls": "SSL",
    # Certificates that a client must not take.
    "expired": "SSL",
    "stranger": "SSL",
}


@dataclass(frozen=True)
class SecuredBroker:
    """The broker, who signs its certificates, and where it listens."""

    broker: KafkaBroker
    authority: Authority
    ports: Mapping[str, int]
    tokens: TokenServer
    directory: Path

    def start(self) -> None:
        """Starts it, allowed to ask for the keys that tokens are signed by."""
        with pytest.MonkeyPatch.context() as environment:
            allowed = f"org.apache.kafka.sasl.oauthbearer.allowed.urls={self.tokens.url}/keys"
            environment.setenv("JAVA_TOOL_OPTIONS", f"-D{allowed}")
            self.broker.start()

    def servers(self, listener: str) -> str:
        return f"{LOOPBACK}:{self.ports[listener]}"

    def file(self, name: str, **properties: str) -> Path:
        """A properties file for a client; underscores stand for dots."""
        lines = [f"{key.replace('_', '.')}={value}" for key, value in properties.items()]
        path = self.directory / f"{name}.properties"
        path.touch(mode=0o600)
        path.write_text("\n".join(lines), "utf-8")
        return path

    @property
    def clients(self) -> Path:
        """Whose certificates its listener for these takes, from its next start on."""
        return _clients(self.authority)

    @property
    def trust(self) -> dict[str, str]:
        return {
            "ssl_truststore_type": "PEM",
            "ssl_truststore_location": str(self.authority.pem),
        }

    def login(self, mechanism: str, password: str = PASSWORD) -> dict[str, str]:
        return {
            "security_protocol": "SASL_SSL",
            "sasl_mechanism": mechanism,
            "sasl_username": USER,
            "sasl_password": password,
            **self.trust,
        }

    def own_certificate(self, path: Path) -> dict[str, str]:
        return {
            "security_protocol": "SSL",
            "ssl_keystore_type": "PEM",
            "ssl_keystore_location": str(path),
            **self.trust,
        }

    def token_login(self, secret: str = PASSWORD) -> dict[str, str]:
        return {
            "security_protocol": "SASL_SSL",
            "sasl_mechanism": "OAUTHBEARER",
            "sasl_oauthbearer_token_endpoint_url": f"{self.tokens.url}/token",
            "sasl_oauthbearer_client_credentials_client_id": USER,
            "sasl_oauthbearer_client_credentials_client_secret": secret,
            **self.trust,
        }

    def set_password(self, password: str, mechanism: ScramMechanism) -> None:
        admin = AdminClient({"bootstrap.servers": self.broker.bootstrap_servers})
        wanted = UserScramCredentialUpsertion(
            USER, ScramCredentialInfo(mechanism, 4096), password.encode()
        )
        for done in admin.alter_user_scram_credentials([wanted]).values():
            done.result(30)


@contextmanager
def secured_broker(directory: Path) -> Iterator[SecuredBroker]:
    """A broker that takes logins by name, certificate and token, all over TLS."""
    authority = Authority.made(directory)
    ports = {name: free_port() for name in _PROTOCOLS}
    with token_server(USER, PASSWORD) as tokens:
        overrides = {**OPEN_TO_ALL, **_listeners(ports), **_certificates(authority)}
        overrides |= _logins(tokens)
        broker = KafkaBroker(directory / "kafka", ports["plaintext"], overrides)
        secured = SecuredBroker(broker, authority, ports, tokens, directory)
        try:
            secured.start()
            for mechanism in (ScramMechanism.SCRAM_SHA_256, ScramMechanism.SCRAM_SHA_512):
                secured.set_password(PASSWORD, mechanism)
            yield secured
        finally:
            broker.stop()


def _clients(authority: Authority) -> Path:
    return authority.directory / "clients.pem"


def _listeners(ports: Mapping[str, int]) -> dict[str, str]:
    places = {name: f"{name.upper()}://{LOOPBACK}:{port}" for name, port in ports.items()}
    return {
        "listeners": ",".join(places.values()),
        "advertised.listeners": ",".join(v for k, v in places.items() if k != "controller"),
        "controller.quorum.voters": f"1@{LOOPBACK}:{ports['controller']}",
        "listener.security.protocol.map": ",".join(
            f"{name.upper()}:{protocol}" for name, protocol in _PROTOCOLS.items()
        ),
        "inter.broker.listener.name": "PLAINTEXT",
    }


def _certificates(authority: Authority) -> dict[str, str]:
    own = authority.sign("broker")
    expired = authority.sign("expired", is_expired=True)
    stranger = authority.sign("stranger", host="elsewhere.example")
    shutil.copy(authority.pem, _clients(authority))
    settings = {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(own),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(authority.pem),
        "listener.name.mtls.ssl.client.auth": "required",
        "listener.name.mtls.ssl.truststore.type": "PEM",
        "listener.name.mtls.ssl.truststore.location": str(_clients(authority)),
    }
    for name, path in (("expired", expired), ("stranger", stranger)):
        settings[f"listener.name.{name}.ssl.keystore.type"] = "PEM"
        settings[f"listener.name.{name}.ssl.keystore.location"] = str(path)
    return settings


def _logins(tokens: TokenServer) -> dict[str, str]:
    scram = f"{SASL}.scram.ScramLoginModule required;"
    return {
        "listener.name.scram.sasl.enabled.mechanisms": "SCRAM-SHA-256,SCRAM-SHA-512",
        "listener.name.scram.scram-sha-256.sasl.jaas.config": scram,
        "listener.name.scram.scram-sha-512.sasl.jaas.config": scram,
        "listener.name.plain.sasl.enabled.mechanisms": "PLAIN",
        "listener.name.plain.plain.sasl.jaas.config": (
            f'{SASL}.plain.PlainLoginModule required user_{USER}="{PASSWORD}";'
        ),
        "listener.name.oauth.sasl.enabled.mechanisms": "OAUTHBEARER",
        "listener.name.oauth.oauthbearer.sasl.jaas.config": (
            f"{SASL}.oauthbearer.OAuthBearerLoginModule required;"
        ),
        "listener.name.oauth.oauthbearer.sasl.server.callback.handler.class": (
            f"{SASL}.oauthbearer.OAuthBearerValidatorCallbackHandler"
        ),
        "listener.name.oauth.sasl.oauthbearer.jwks.endpoint.url": f"{tokens.url}/keys",
    }
