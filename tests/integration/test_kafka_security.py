"""Every way into a real broker, for all that talks to Kafka; and what is said where it is shut."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from broker_access import refuse
from certificates import Authority
from confluent_kafka.admin import AclOperation, ResourceType, ScramMechanism
from job import Job, user_lines, wait_until
from load import publish
from publishing import records_in
from secured_broker import CANARY, PASSWORD, SecuredBroker, secured_broker

from churn_tools.producer.publisher import Publisher, Record
from churn_tools.verify.command import verify
from sandbox.kafka.topics import CustomerTopics, create_topics
from stream_telemetry.broker.offsets import BrokerOffsets
from telco_churn.errors import KafkaUnavailableError, TopicError
from telco_churn.query.settings import BrokerSettings, TopicSettings
from telco_churn.query.topic_checks import check_topics

TOPICS = CustomerTopics("raw", "predictions", "dead")
NAMES = TopicSettings(input_topic="raw", output_topic="predictions", deadletter_topic="dead")
ENOUGH_SECONDS = 30.0


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredBroker]:
    with secured_broker(tmp_path_factory.mktemp("secured")) as broker:
        TOPICS.create(broker.broker.bootstrap_servers)
        yield broker


def way_in(secured: SecuredBroker, kind: str) -> BrokerSettings:
    """What is right for one of the listeners."""
    properties = {
        "plain": secured.login("PLAIN"),
        "scram-256": secured.login("SCRAM-SHA-256"),
        "scram-512": secured.login("SCRAM-SHA-512"),
        "mtls": secured.own_certificate(secured.directory / "broker.pem"),
        "oauth": secured.token_login(),
    }[kind]
    path = secured.file(kind, **properties)
    return BrokerSettings(broker=secured.servers(kind.partition("-")[0]), kafka_config=path)


def refused(kafka: BrokerSettings, topics: TopicSettings = NAMES) -> str:
    """The line about what is wrong, which has to come soon."""
    start = time.monotonic()
    with pytest.raises(KafkaUnavailableError) as caught:
        check_topics(kafka, topics)
    assert time.monotonic() - start < ENOUGH_SECONDS
    assert PASSWORD not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("kind", ["plain", "scram-256", "scram-512", "mtls", "oauth"])
def test_producer_checks_lag_and_verifier_get_in(secured: SecuredBroker, kind: str) -> None:
    kafka = way_in(secured, kind)
    assert check_topics(kafka, NAMES).partitions == 3
    publisher = Publisher(kafka, "raw")
    publisher.publish(Record(kind.encode(), b"{}"))
    publisher.flush()
    assert (publisher.sent, publisher.failed) == (1, 0)
    offsets = BrokerOffsets("raw", f"group-{kind}", kafka.client)
    offsets.commit({("raw", 0): 0})
    assert offsets.committed() == {("raw", 0): 0}
    offsets.close()
    assert verify(kafka, NAMES).lost.count > 0


def test_a_wrong_password_is_one_line(secured: SecuredBroker) -> None:
    path = secured.file("wrong", **secured.login("SCRAM-SHA-512", "not-it"))
    kafka = BrokerSettings(broker=secured.servers("scram"), kafka_config=path)
    assert re.search(r"\(.*[Aa]uthentication failed.*\); see the login in the file", refused(kafka))


def test_a_wrong_secret_of_a_client_is_one_line(secured: SecuredBroker) -> None:
    path = secured.file("wrong", **secured.token_login("not-it"))
    kafka = BrokerSettings(broker=secured.servers("oauth"), kafka_config=path)
    assert re.search(r"see the login in the file", refused(kafka))


def test_a_broker_whose_authority_is_not_trusted_is_one_line(
    secured: SecuredBroker, tmp_path: Path
) -> None:
    other = {"ssl_truststore_location": str(Authority.made(tmp_path, "other").pem)}
    path = secured.file("wrong", **(secured.login("PLAIN") | other))
    kafka = BrokerSettings(broker=secured.servers("plain"), kafka_config=path)
    assert re.search(
        r"unable to get local issuer certificate\); see the certificates", refused(kafka)
    )


@pytest.mark.parametrize(
    ("listener", "said"),
    [("expired", r"certificate has expired"), ("stranger", r"IP address mismatch")],
)
def test_a_certificate_that_is_not_the_brokers_is_one_line(
    secured: SecuredBroker, listener: str, said: str
) -> None:
    path = secured.file("tls", security_protocol="SSL", **secured.trust)
    line = refused(BrokerSettings(broker=secured.servers(listener), kafka_config=path))
    assert re.search(said, line), line
    assert "see the certificates" in line


def test_a_host_that_is_not_to_be_checked_is_let_through(secured: SecuredBroker) -> None:
    unchecked = {"ssl_endpoint_identification_algorithm": ""}
    path = secured.file("tls", security_protocol="SSL", **secured.trust, **unchecked)
    kafka = BrokerSettings(broker=secured.servers("stranger"), kafka_config=path)
    assert check_topics(kafka, NAMES).partitions == 3


def test_an_own_certificate_that_has_expired_is_one_line(secured: SecuredBroker) -> None:
    path = secured.file("own", **secured.own_certificate(secured.directory / "expired.pem"))
    line = refused(BrokerSettings(broker=secured.servers("mtls"), kafka_config=path))
    assert "see whether it accepts the certificate that ssl.keystore.location names" in line, line


def test_a_broker_that_wants_a_login_is_told_from_one_that_is_away(secured: SecuredBroker) -> None:
    line = refused(BrokerSettings(broker=secured.servers("scram")))
    assert "speaks TLS); set --kafka-config, a file with login and TLS" in line, line


def test_a_topic_that_is_refused_is_named(secured: SecuredBroker) -> None:
    create_topics(secured.broker.bootstrap_servers, {"hidden": 1})
    refuse(secured.broker, ResourceType.TOPIC, "hidden", AclOperation.DESCRIBE)
    topics = TopicSettings(
        input_topic="hidden", output_topic="predictions", deadletter_topic="dead"
    )
    deadline, line = time.monotonic() + 30, ""
    while not line and time.monotonic() < deadline:
        try:
            check_topics(way_in(secured, "scram-512"), topics)
        except TopicError as error:
            line = str(error)
    assert "topic hidden on" in line
    assert "is not for this user" in line


def test_a_password_that_was_replaced_is_taken_by_clients_that_are_there(
    secured: SecuredBroker,
) -> None:
    kafka = way_in(secured, "scram-256")
    offsets = BrokerOffsets("raw", "renewed", kafka.client)
    try:
        assert offsets.bounds().ends
        secured.set_password("the-next-one", ScramMechanism.SCRAM_SHA_256)
        secured.file("scram-256", **secured.login("SCRAM-SHA-256", "the-next-one"))
        assert offsets.bounds().ends
    finally:
        offsets.close()
        secured.set_password(PASSWORD, ScramMechanism.SCRAM_SHA_256)


@pytest.mark.slow
def test_a_password_that_was_replaced_is_taken_by_the_query_that_runs(
    secured: SecuredBroker, tmp_path: Path
) -> None:
    topics = CustomerTopics("renewed.raw", "renewed.predictions", "renewed.dead")
    topics.create(secured.broker.bootstrap_servers)
    kafka = way_in(secured, "scram-256")
    job = Job(tmp_path, kafka.broker, topics)

    def answers() -> int:
        outputs = (topics.predictions, topics.dead_letters)
        return sum(len(records_in(secured.broker.bootstrap_servers, topic)) for topic in outputs)

    access = ("--kafka-config", str(kafka.kafka_config))
    try:
        with job.running(*access, "--trigger", "1 second", "--log-level", "DEBUG") as process:
            publish(secured.broker.bootstrap_servers, topics.raw, 1)
            wait_until(lambda: answers() == 1, process)
            following = f"{CANARY}-next"
            secured.set_password(following, ScramMechanism.SCRAM_SHA_256)
            secured.file("scram-256", **secured.login("SCRAM-SHA-256", following))
            # All connections end, and none can be made with the old one.
            secured.broker.kill()
            secured.start()
            publish(secured.broker.bootstrap_servers, topics.raw, 1)
            wait_until(lambda: answers() >= 2, process)
            process.send_signal(signal.SIGTERM)
            said, _ = process.communicate(timeout=90)
        assert process.returncode == 0, said
        # What Java's client was refused with, and what it tells of that.
        assert "Authentication failed" in "".join(said_in(tmp_path)), said
        assert CANARY not in "".join([said, *said_in(tmp_path)])
    finally:
        secured.set_password(PASSWORD, ScramMechanism.SCRAM_SHA_256)


def said_in(directory: Path) -> list[str]:
    """All that the job has written."""
    paths = (path for path in directory.rglob("*") if path.is_file())
    return [path.read_bytes().decode("utf-8", "replace") for path in paths]


def test_a_wrong_password_ends_the_job_with_one_line(
    secured: SecuredBroker, tmp_path: Path
) -> None:
    path = secured.file("wrong", **secured.login("SCRAM-SHA-512", f"{CANARY}-not-it"))
    job = Job(tmp_path, secured.servers("scram"), TOPICS)
    result = job.run_without_jvm("--kafka-config", str(path))
    assert result.returncode == 4
    (line,) = user_lines(result)
    assert "see the login in the file that --kafka-config names" in line
    assert CANARY not in line


def test_a_file_that_everybody_may_read_ends_the_job_with_one_line(
    secured: SecuredBroker, tmp_path: Path
) -> None:
    path = secured.file("mode", **secured.login("PLAIN"))
    path.chmod(0o644)
    result = Job(tmp_path, secured.servers("plain"), TOPICS).run_without_jvm(
        "--kafka-config", str(path)
    )
    assert result.returncode == 2
    (line,) = user_lines(result)
    assert f"chmod o-r {path}" in line
    assert CANARY not in line
