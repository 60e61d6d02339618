"""What cannot be used is told in one line that says what to do, without the secret."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from stream_telemetry.errors import KafkaConfigError
from stream_telemetry.security.kafka_config import KafkaConfig

CERTIFICATE = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
KEY = "-----BEGIN PRIVATE KEY-----\nBBBB\n-----END PRIVATE KEY-----\n"
PLAIN = ["security.protocol=SASL_SSL", "sasl.mechanism=PLAIN"]
USER = [*PLAIN, "sasl.username=alice"]
MODULE = "org.apache.kafka.common.security.plain.PlainLoginModule"
Reader = Callable[..., KafkaConfig]
Writer = Callable[[str, str], Path]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["bootstrap.servers=a:1"], r"name them by --broker"),
        (["sasl.pasword=canary"], r"did you mean sasl\.password"),
        (["acks=all"], r"acks is not one of the names .* leave it out"),
        (["security.protocol=sasl_ssl"], r"is sasl_ssl; use one of PLAINTEXT, SSL"),
        (["security.protocol=SASL_SSL"], r"sasl\.mechanism is not set; use one of PLAIN"),
        (["security.protocol=SASL_SSL", "sasl.mechanism=GSSAPI"], r"GSSAPI; use one of PLAIN"),
        (USER, r"the login has no password; set sasl\.password"),
        ([*USER, "sasl.password=${env:NO_SUCH_VARIABLE}"], r"NO_SUCH_VARIABLE is not set"),
        ([*USER, "sasl.password=${file:/no/such:key}"], r"/no/such cannot be read \(No such"),
        ([*USER, "sasl.password=${file:here:key}"], r"write the whole path of here"),
        ([*USER, "sasl.password=${vault:a:b}"], r"is no reference; write \$\{file:/path:key\}"),
        ([*USER, 'sasl.password=canary"'], r"password of the login is .* quote"),
        ([*PLAIN, "sasl.jaas.config=canary"], r"is no login that can be read; write: org"),
        (
            [
                *PLAIN,
                f'sasl.jaas.config={MODULE} required username="${{env:HOME}}" password="canary";',
            ],
            r"not for its password; move that there too",
        ),
        (
            [*PLAIN, "sasl.jaas.config=a.ScramLoginModule required username=a password=canary;"],
            rf"has a\.ScramLoginModule; PLAIN needs {MODULE}",
        ),
        (
            [*USER, f"sasl.jaas.config={MODULE} required username=a password=canary;"],
            r"and sasl\.username are both there",
        ),
        (["security.protocol=SASL_SSL", "sasl.mechanism=OAUTHBEARER"], r"token\.endpoint\.url"),
        (
            ["security.protocol=SSL", "ssl.truststore.location=/a.jks"],
            r"so the store is JKS, which librdkafka does not read; make it PEM: keytool",
        ),
        (
            ["security.protocol=SSL", "ssl.truststore.type=PEM", "ssl.truststore.location=/no.pem"],
            r"ssl\.truststore\.location: /no\.pem cannot be read \(No such",
        ),
        (
            ["security.protocol=SSL", "ssl.endpoint.identification.algorithm=none"],
            r"use https, or nothing",
        ),
        (["security.protocol=SSL", "ssl.truststore.password=canary"], r"has none; leave it out"),
    ],
)
def test_what_cannot_be_used_is_one_line(read: Reader, lines: list[str], said: str) -> None:
    with pytest.raises(KafkaConfigError, match=said) as caught:
        read(*lines)
    line = str(caught.value)
    assert line.startswith("Kafka config ")
    assert "\n" not in line
    assert "canary" not in line


@pytest.mark.parametrize(
    ("pem", "said"),
    [
        ("\xfe\xed\xfe\xed", r"holds no PEM; make it PEM: keytool"),
        (CERTIFICATE, r"holds no private key"),
        (KEY, r"holds no certificate"),
        (CERTIFICATE + KEY.replace("PRIV", "RSA PRIV"), r"openssl pkcs8 -topk8"),
        (CERTIFICATE + KEY.replace("PRIV", "ENCRYPTED PRIV"), r"set ssl\.key\.password"),
    ],
)
def test_a_keystore_that_one_client_cannot_read_is_refused(
    read: Reader, write: Writer, pem: str, said: str
) -> None:
    own = write("own.pem", pem)
    with pytest.raises(KafkaConfigError, match=said):
        read("security.protocol=SSL", "ssl.keystore.type=PEM", f"ssl.keystore.location={own}")


def test_a_secret_that_everybody_may_read_is_refused(read: Reader, write: Writer) -> None:
    config = read(*USER, "sasl.password=canary")
    config.path.chmod(0o644)
    with pytest.raises(KafkaConfigError, match=r"chmod o-r .*kafka\.properties"):
        KafkaConfig.read(config.path)
    secret = write("secret", "pass=canary")
    secret.chmod(0o644)
    with pytest.raises(KafkaConfigError, match=r"chmod o-r .*secret"):
        read(*USER, f"sasl.password=${{file:{secret}:pass}}")


def test_a_file_without_secrets_may_be_read_by_everybody(read: Reader) -> None:
    config = read("security.protocol=SSL")
    config.path.chmod(0o644)
    assert KafkaConfig.read(config.path).for_librdkafka()["security.protocol"] == "SSL"


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(KafkaConfigError, match=r"cannot be read \(No such file"):
        KafkaConfig.read(tmp_path / "none")
