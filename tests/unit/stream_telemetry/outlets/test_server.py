from __future__ import annotations

import base64
import http.client
import json
import re
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from prometheus_client import CollectorRegistry

from stream_telemetry.errors import TelemetryError
from stream_telemetry.health import Health, Limits
from stream_telemetry.metrics import catalogue
from stream_telemetry.metrics.store import MetricStore
from stream_telemetry.outlets.pages import make_app
from stream_telemetry.outlets.server import Exporter, Tls

LOOPBACK = "127.0.0.1"


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: str


@dataclass
class Served:
    """A running exporter and what it knows."""

    exporter: Exporter
    health: Health
    client: ssl.SSLContext | None = None

    @property
    def address(self) -> tuple[str, int]:
        parts = urlsplit(self.exporter.url)
        assert parts.hostname is not None
        assert parts.port is not None
        return parts.hostname, parts.port

    def get(self, path: str, method: str = "GET", **headers: str) -> Answer:
        host, port = self.address
        connection = (
            http.client.HTTPSConnection(host, port, timeout=10, context=self.client)
            if self.client
            else http.client.HTTPConnection(host, port, timeout=10)
        )
        with closing(connection):
            connection.request(method, path, headers=headers)
            response = connection.getresponse()
            body = response.read().decode()
        return Answer(response.status, dict(response.getheaders()), body)


def serve(stack: ExitStack, login: str | None = None, tls: Tls | None = None) -> Served:
    registry = CollectorRegistry()
    store = MetricStore()
    store.declare(catalogue.PROCESSED, [("success", "raw")])
    store.declare(catalogue.PROCESSING_LATENCY, [(f"step{n}",) for n in range(10)])
    registry.register(store)
    health = Health(Limits(stall=60), has_model=True)
    app = make_app("<churn>", registry, health, login)
    exporter = Exporter(LOOPBACK, 0, app, tls)
    exporter.start()
    stack.callback(exporter.close)
    return Served(exporter, health)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def served(stack: ExitStack) -> Served:
    return serve(stack)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority (ca.pem), a server's and a client's certificate with their keys."""
    directory = tmp_path_factory.mktemp("tls")
    make_certificate(directory, "ca", "/CN=authority")
    for name in ("server", "client"):
        make_certificate(directory, name, f"/CN={name}", signed_by="ca")
    return directory


def make_certificate(directory: Path, name: str, subject: str, signed_by: str = "") -> None:
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-subj", subject, "-keyout", f"{name}.key", "-out", f"{name}.pem"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1"]
    if signed_by:
        command += ["-CA", f"{signed_by}.pem", "-CAkey", f"{signed_by}.key"]
    subprocess.run(command, cwd=directory, check=True, capture_output=True)


def test_metrics_come_as_text_and_as_openmetrics(served: Served) -> None:
    text = served.get("/metrics")
    assert text.status == 200
    assert text.headers["Content-Type"].startswith("text/plain")
    assert 'kafka_messages_processed_total{status="success",topic="raw"} 0.0' in text.body
    open_metrics = served.get("/metrics", Accept="application/openmetrics-text; version=1.0.0")
    assert open_metrics.headers["Content-Type"].startswith("application/openmetrics-text")
    assert open_metrics.body.endswith("# EOF\n")


def test_health_is_the_guides_json_with_its_status(served: Served) -> None:
    answer = served.get("/health")
    document = json.loads(answer.body)
    assert answer.status == 503
    assert list(document) == ["status", "timestamp", "checks"]
    assert document["status"] == "unhealthy"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", document["timestamp"])
    assert served.get("/health/live").status == 200
    assert served.get("/health/ready").status == 503

    served.health.set_broker(is_connected=True)
    served.health.set_model(is_loaded=True)
    served.health.heard("idle")
    answer = served.get("/health")
    assert answer.status == 200
    assert json.loads(answer.body)["status"] == "healthy"
    assert served.get("/health/ready").status == 200


def test_the_start_page_links_to_everything_and_shows_the_state(served: Served) -> None:
    page = served.get("/")
    assert page.headers["Content-Type"].startswith("text/html")
    assert "&lt;churn&gt;" in page.body
    assert "starting" in page.body
    links = re.findall(r'href="([^"]+)"', page.body)
    assert links == ["/metrics", "/health", "/health/live", "/health/ready"]
    assert [served.get(link).status for link in links] == [200, 503, 200, 503]


@pytest.mark.parametrize("path", ["/nothing", "/metrics/", "/health/x", "/metricsx"])
def test_other_paths_are_not_found(served: Served, path: str) -> None:
    assert served.get(path).status == 404


def test_only_reading_is_allowed(served: Served) -> None:
    for method in ("POST", "PUT", "DELETE"):
        answer = served.get("/metrics", method)
        assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")
    head = served.get("/health", "HEAD")
    assert (head.status, head.body) == (503, "")


def test_a_login_is_asked_for_except_by_health(stack: ExitStack) -> None:
    served = serve(stack, login="scraper:sésame")
    assert served.get("/metrics").status == 401
    assert served.get("/").headers["WWW-Authenticate"] == 'Basic realm="metrics"'
    assert served.get("/health/live").status == 200
    for login, status in (("scraper:sésame", 200), ("scraper:wrong", 401), ("", 401)):
        token = base64.b64encode(login.encode()).decode()
        assert served.get("/metrics", Authorization=f"Basic {token}").status == status


def test_fifty_scrapes_at_once_are_answered_within_a_second(served: Served) -> None:
    with ThreadPoolExecutor(50) as pool:
        start = time.monotonic()
        answers = list(pool.map(lambda _: served.get("/metrics").status, range(50)))
        elapsed = time.monotonic() - start
    assert answers == [200] * 50
    assert elapsed < 1.0


def test_idle_clients_block_nobody(stack: ExitStack, served: Served) -> None:
    for _ in range(20):
        stack.enter_context(socket.create_connection(served.address))
    start = time.monotonic()
    assert served.get("/metrics").status == 200
    assert time.monotonic() - start < 1.0


def test_over_tls_idle_clients_block_nobody_either(stack: ExitStack, certificates: Path) -> None:
    tls = Tls(certificates / "server.pem", certificates / "server.key")
    served = serve(stack, tls=tls)
    served.client = ssl.create_default_context(cafile=certificates / "ca.pem")
    for _ in range(20):
        stack.enter_context(socket.create_connection(served.address))
    start = time.monotonic()
    assert served.get("/metrics").status == 200
    assert time.monotonic() - start < 1.0


def test_a_client_without_the_right_certificate_is_refused(
    stack: ExitStack, certificates: Path
) -> None:
    tls = Tls(certificates / "server.pem", certificates / "server.key", certificates / "ca.pem")
    served = serve(stack, tls=tls)
    served.client = ssl.create_default_context(cafile=certificates / "ca.pem")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        served.get("/metrics")
    served.client.load_cert_chain(certificates / "client.pem", certificates / "client.key")
    assert served.get("/metrics").status == 200


def test_a_client_that_says_nothing_is_cut_off(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stream_telemetry.outlets.server._Handler.timeout", 0.2)
    with socket.create_connection(served.address, timeout=5) as idle:
        assert idle.recv(1) == b""


def test_a_taken_port_is_one_clear_line() -> None:
    with socket.create_server((LOOPBACK, 0)) as other:
        port = other.getsockname()[1]
        app = make_app("t", CollectorRegistry(), Health(Limits(60), has_model=False))
        with pytest.raises(TelemetryError, match=rf"127\.0\.0\.1:{port} .*--metrics-port") as error:
            Exporter(LOOPBACK, port, app)
    assert "\n" not in str(error.value)


def test_files_that_are_not_for_tls_are_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "x.pem").write_text("nothing")
    with pytest.raises(TelemetryError, match=r"TLS files .*x\.pem"):
        Tls(tmp_path / "x.pem", tmp_path / "x.pem").context()


def test_the_port_is_free_again_after_closing(stack: ExitStack) -> None:
    with ExitStack() as inner:
        served = serve(inner)
        assert served.get("/health/live").status == 200
        port = served.address[1]
    app = make_app("t", CollectorRegistry(), Health(Limits(60), has_model=False))
    again = Exporter(LOOPBACK, port, app)
    again.close()
