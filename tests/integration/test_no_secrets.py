"""A secret in every place that can hold one, and the job at its most talkative: none is seen.

What a wrong setting shows is in tests/unit/telco_churn/settings/test_secrets_in_settings.py.
"""

from __future__ import annotations

import base64
import http.client
import re
import signal
import ssl
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
from certificates import Authority
from gateway_server import keeping_server
from job import Job, wait_until
from listening import listening, open_to_others
from load import meanwhile
from planted import VARIABLE, Inputs, encrypted, needles
from publishing import running_job
from secured_broker import CANARY, PASSWORD, SecuredBroker, secured_broker
from spark_pages import spark_pages
from verifying import assert_all_accounted

from sandbox.kafka.topics import CustomerTopics
from sandbox.ports import LOOPBACK, free_port

EVENTS = 50
METRICS_LOGIN = f"somebody:{CANARY}-metrics_login_file"


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredBroker]:
    with secured_broker(tmp_path_factory.mktemp("secured")) as broker:
        yield broker


def kafka_config(secured: SecuredBroker, kind: str) -> Path:
    """A file by which clients get in, with its secrets in one of the places that may hold them."""
    elsewhere = secured.file("elsewhere", password=PASSWORD)
    by_file, by_variable = f"${{file:{elsewhere}:password}}", f"${{env:{VARIABLE}}}"
    properties = {
        "scram": secured.login("SCRAM-SHA-512", by_file),
        "plain": secured.login("PLAIN", by_variable),
        "oauth": secured.token_login(),
        "mtls": secured.own_certificate(encrypted(secured.directory / "broker.pem"))
        | {"ssl_key_password": by_file},
    }[kind]
    return secured.file(f"no-secrets-{kind}", **properties)


class Exporter:
    """The job's own pages, over TLS, with the right certificate and login."""

    def __init__(self, port: int, authority: Authority) -> None:
        self._port = port
        self._client = ssl.create_default_context(cafile=authority.pem)
        self._client.load_cert_chain(authority.sign("scraper"))

    def get(self, path: str, login: str | None = METRICS_LOGIN) -> tuple[int, str]:
        connection = http.client.HTTPSConnection(
            LOOPBACK, self._port, timeout=10, context=self._client
        )
        headers = (
            {}
            if login is None
            else {"Authorization": f"Basic {base64.b64encode(login.encode()).decode()}"}
        )
        with closing(connection), suppress(ConnectionRefusedError):
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            return answer.status, f"{answer.headers}{answer.read().decode()}"
        return 0, ""

    def has_counted(self, events: int) -> bool:
        rows = re.findall(
            r"^kafka_messages_processed_total{.*} (\S+)$", self.get("/metrics")[1], re.M
        )
        return sum(map(float, rows)) == events

    def pages(self) -> dict[str, str]:
        links = re.findall(r'href="([\w/]+)"', self.get("/")[1])
        paths = {"/", "/nothing", *(f"/{link}" for link in links)}
        assert {"/metrics", "/health", "/api/summary"} <= paths
        told = {path: self.get(path)[1] for path in paths}
        refused = {f"{path} refused": self.get(path, "somebody:else") for path in paths}
        assert refused["/metrics refused"][0] == 401
        return told | {path: text for path, (_, text) in refused.items()}


def command_lines() -> set[str]:
    """Of all processes on this machine."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            found.add(path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"))
    return found


def seen_in(directory: Path, secrets: set[str], *not_in: Path) -> list[Path]:
    """Files with a secret in them, but for those that are there to hold it."""
    sought = [secret.encode() for secret in secrets]
    found = []
    for path in directory.rglob("*"):
        # Some are gone by the time that they are read.
        with suppress(OSError):
            if path.is_file() and not any(path.is_relative_to(own) for own in not_in):
                content = path.read_bytes()
                found += [path for secret in sought if secret in content]
    return found


def publish_events(broker: str, topic: str, *options: str) -> list[str]:
    """Sends customers, broken ones too; what the producer has said."""
    few = ("--synthetic", str(EVENTS), "--bad-ratio", "0.2", "--no-validate")
    with running_job(broker, topic, *options, *few) as producer:
        told = [*producer.communicate(timeout=60)]
    assert producer.returncode == 0, told
    return told


@pytest.mark.parametrize(
    "kind",
    ["scram", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("plain", "oauth", "mtls"))],
)
def test_nothing_that_a_running_job_shows_has_one_of_them(
    secured: SecuredBroker, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Spark leaves out each value with that word in it, so none may have it by chance.
    assert not re.search("secret|password|token", str(tmp_path))
    monkeypatch.setenv(VARIABLE, PASSWORD)
    own, events, temporary = (tmp_path / name for name in ("inputs", "events", "temporary"))
    for directory in (own, events, temporary):
        directory.mkdir()
    topics = CustomerTopics(f"{kind}.raw", f"{kind}.predictions", f"{kind}.dead")
    topics.create(secured.broker.bootstrap_servers)
    broker = secured.servers(kind)
    ports = free_port(), free_port()
    with keeping_server() as gateway:
        inputs = Inputs(own, gateway, Authority.made(own), kafka_config(secured, kind))
        config, variables = inputs.write()
        access = ("--kafka-config", str(inputs.kafka_config))
        settings = inputs.write_for_spark(
            spark_ui_port=str(ports[0]),
            spark_local_dir=str(temporary),
            spark_driver_extraJavaOptions=f"-Djava.io.tmpdir={temporary}",
            spark_eventLog_enabled="true",
            spark_eventLog_dir=str(events),
            # Else nothing could be found in it.
            spark_eventLog_compress="false",
        )
        secrets = needles(own, secured.directory)
        assert seen_in(own, secrets)
        assert len(secrets) > 20
        told = publish_events(broker, topics.raw, *access, "--log-dir", str(tmp_path / "logs"))
        job = Job(tmp_path, broker, topics)
        exporter = Exporter(ports[1], inputs.authority)
        words = set[str]()
        with (
            meanwhile(lambda: words.update(command_lines()), 0.3),
            job.running(
                *("--load-spark-defaults", "--properties-file", str(settings)),
                *("--config", str(config), "--metrics-port", str(ports[1])),
                *("--trigger", "1 second", "--log-level", "DEBUG"),
                environment=job.environment | variables | {"TMPDIR": str(temporary)},
            ) as process,
        ):
            wait_until(lambda: exporter.has_counted(EVENTS), process)
            pages = exporter.pages() | spark_pages(f"http://{LOOPBACK}:{ports[0]}")
            assert {(LOOPBACK, port) for port in ports} <= listening(process.pid).keys()
            assert open_to_others(process.pid) == {}
            files = seen_in(tmp_path, secrets, own)
            process.send_signal(signal.SIGTERM)
            told.append(process.communicate(timeout=60)[0])
        assert process.returncode == 0, told
        pushed = [f"{asked.path} {asked.body}" for asked in gateway.asked]
        logins = {asked.login for asked in gateway.asked}
    assert logins == {f"somebody:{CANARY}-pushgateway_login_file"}
    assert assert_all_accounted(broker, topics, *access)["read"] == EVENTS
    assert {path for path, text in pages.items() if any(one in text for one in secrets)} == set()
    assert files + seen_in(tmp_path, secrets, own) == []
    assert [text for text in (*told, *pushed, *words) if any(one in text for one in secrets)] == []
    assert_all_was_looked_at(pages, tmp_path, words, str(config))
    written = ("checkpoint", "logs", "artifacts/logs")
    assert_is_its_owners_alone(*(tmp_path / name for name in written))


def assert_all_was_looked_at(
    pages: dict[str, str], directory: Path, words: set[str], config: str
) -> None:
    """A secret that was nowhere to be seen would not be found either."""
    for name in ("/environment/", "/executors/", "/StreamingQuery/statistics/", "/SQL/execution/"):
        assert any(name in path for path in pages), sorted(pages)
    # The page itself is filled from there.
    (environment,) = (text for path, text in pages.items() if path.endswith("/environment"))
    assert "fs.azure.account.key.mine" in environment
    assert "(redacted)" in environment
    (log,) = (path for path in (directory / "events").rglob("*events_1_*"))
    assert "fs.azure.account.key.mine" in log.read_text("utf-8")
    assert any(config in line for line in words)
    for name in ("logs/kafka_consumer.log", "logs/kafka_producer.log", "logs/spark.log"):
        assert (directory / name).exists()


def assert_is_its_owners_alone(*directories: Path) -> None:
    for directory in directories:
        assert directory.stat().st_mode & 0o077 == 0, directory
