"""One file for both of Kafka's clients: what each is told, and what nobody may see."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from stream_telemetry.security.kafka_config import KafkaConfig

SCRAM = ("security.protocol=SASL_SSL", "sasl.mechanism=SCRAM-SHA-512")
MODULE = "org.apache.kafka.common.security.scram.ScramLoginModule"
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
KEY = "-----BEGIN PRIVATE KEY-----\nBBBB\n-----END PRIVATE KEY-----\n"
Reader = Callable[..., KafkaConfig]
Writer = Callable[[str, str], Path]


def test_name_and_password_reach_both_clients_the_jvm_by_reference(
    read: Reader, tmp_path: Path
) -> None:
    config = read(*SCRAM, "sasl.username=alice", "sasl.password=canary")
    path = tmp_path / "kafka.properties"
    jvm = config.for_jvm()
    assert jvm["sasl.jaas.config"] == (
        f'{MODULE} required username="${{file:{path}:sasl.username}}" '
        f'password="${{file:{path}:sasl.password}}";'
    )
    assert jvm["config.providers.file.param.allowed.paths"] == str(path)
    assert "canary" not in str(jvm)
    assert config.for_librdkafka() == {
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "alice",
        "sasl.password": "canary",
        "ssl.endpoint.identification.algorithm": "https",
        "ssl.ca.location": "probe",
    }


@pytest.mark.parametrize("password", ["canary", 'ca"na\\ry', "ca'na;ry", "ca=na ry$"])
def test_a_login_as_java_writes_it_is_taken_apart_for_librdkafka(
    read: Reader, tmp_path: Path, password: str
) -> None:
    quoted = password.replace("\\", "\\\\").replace('"', '\\"')
    login = f'{MODULE} required username=alice password="{quoted}";'
    config = read(*SCRAM, "sasl.jaas.config=" + login.replace("\\", "\\\\"))
    told = config.for_librdkafka()
    assert (told["sasl.username"], told["sasl.password"]) == ("alice", password)
    reference = f"${{file:{tmp_path / 'kafka.properties'}:sasl.jaas.config}}"
    assert config.for_jvm()["sasl.jaas.config"] == reference


def test_references_are_followed_for_librdkafka_and_left_to_the_jvm(
    read: Reader, write: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = write("secret", "pass=canary")
    monkeypatch.setenv("KAFKA_USER", "alice")
    login = f'{MODULE} required username="${{env:KAFKA_USER}}" password="${{file:{secret}:pass}}";'
    config = read(*SCRAM, f"sasl.jaas.config={login}")
    told = config.for_librdkafka()
    assert (told["sasl.username"], told["sasl.password"]) == ("alice", "canary")
    jvm = config.for_jvm()
    assert jvm["sasl.jaas.config"] == login
    assert str(secret) in jvm["config.providers.file.param.allowed.paths"]


def test_authority_and_own_certificate_have_other_names(read: Reader, write: Writer) -> None:
    ca, own = write("ca.pem", CERTIFICATE), write("own.pem", CERTIFICATE + KEY)
    config = read(
        "security.protocol=SSL",
        "ssl.truststore.type=PEM",
        f"ssl.truststore.location={ca}",
        "ssl.keystore.type=PEM",
        f"ssl.keystore.location={own}",
        "ssl.key.password=canary",
        "ssl.endpoint.identification.algorithm=",
    )
    assert config.for_librdkafka() == {
        "security.protocol": "SSL",
        "ssl.ca.location": str(ca),
        "ssl.certificate.location": str(own),
        "ssl.key.location": str(own),
        "ssl.key.password": "canary",
        "ssl.endpoint.identification.algorithm": "none",
    }
    jvm = config.for_jvm()
    assert jvm["ssl.keystore.location"] == str(own)
    assert jvm["ssl.endpoint.identification.algorithm"] == ""
    assert "canary" not in str(jvm)


def test_certificates_in_the_file_itself_are_put_into_lines(read: Reader) -> None:
    config = read(
        "security.protocol=SSL",
        "ssl.truststore.type=PEM",
        "ssl.truststore.certificates=-----BEGIN CERTIFICATE----- \\",
        f"  {'A' * 70} \\",
        "  -----END CERTIFICATE-----",
    )
    assert config.for_librdkafka()["ssl.ca.pem"] == (
        f"-----BEGIN CERTIFICATE-----\n{'A' * 64}\n{'A' * 6}\n-----END CERTIFICATE-----\n"
    )


def test_a_client_of_a_token_endpoint_is_told_to_both(read: Reader) -> None:
    config = read(
        "security.protocol=SASL_SSL",
        "sasl.mechanism=OAUTHBEARER",
        "sasl.oauthbearer.token.endpoint.url=https://login.example/token",
        "sasl.oauthbearer.client.credentials.client.id=churn",
        "sasl.oauthbearer.client.credentials.client.secret=canary",
        "sasl.oauthbearer.scope=kafka",
    )
    told = config.for_librdkafka()
    assert told["sasl.oauthbearer.method"] == "oidc"
    assert told["sasl.oauthbearer.client.id"] == "churn"
    assert told["sasl.oauthbearer.client.secret"] == "canary"
    assert told["sasl.oauthbearer.scope"] == "kafka"
    jvm = config.for_jvm()
    assert jvm["sasl.login.callback.handler.class"].endswith(".OAuthBearerLoginCallbackHandler")
    assert 'scope="kafka"' in jvm["sasl.jaas.config"]
    assert "canary" not in str(jvm)
    assert config.token_endpoint == "https://login.example/token"


def test_a_file_that_was_replaced_makes_another_client(read: Reader, write: Writer) -> None:
    secret = write("secret", "pass=old")
    lines = (*SCRAM, "sasl.username=alice", f"sasl.password=${{file:{secret}:pass}}")
    before = read(*lines)
    same = before.stamp()
    assert KafkaConfig.read(before.path).stamp() == same
    assert before.stamp() in before.for_jvm().values()
    os.replace(write("new", "pass=new"), secret)
    after = KafkaConfig.read(before.path)
    assert after.stamp() != same
    assert after.for_librdkafka()["sasl.password"] == "new"
