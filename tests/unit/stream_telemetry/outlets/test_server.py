from __future__ import annotations

import base64
import contextlib
import gzip
import http.client
import json
import re
import socket
import ssl
import subprocess
import threading
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
    store: MetricStore
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
    return Served(exporter, health, store)


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
    served.health.set_broker(is_connected=False)
    answer = served.get("/health")
    document = json.loads(answer.body)
    assert answer.status == 503
    assert list(document) == ["status", "timestamp", "checks"]
    assert document["status"] == "unhealthy"
    assert document["checks"]["broker_connection"] == "fail"
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


def test_what_is_not_initialized_yet_is_no_illness_but_not_ready(served: Served) -> None:
    answer = served.get("/health")
    document = json.loads(answer.body)
    assert (answer.status, document["status"]) == (200, "healthy")
    assert set(document["checks"].values()) == {"not_initialized"}
    assert served.get("/health/ready").status == 503


def test_a_scrape_may_ask_for_its_headers_alone(served: Served) -> None:
    head = served.get("/metrics", "HEAD")
    whole = served.get("/metrics")
    assert (head.status, head.body) == (200, "")
    assert head.headers["Content-Length"] == whole.headers["Content-Length"]


@pytest.mark.parametrize(
    "accept",
    [
        *(
            "text/plain; version=x.y",
            "application/openmetrics-text; version=",
            "*/*",
            ";;;,,,=",
            "é",
        ),
        *("application/openmetrics-text; version=1.x", "text/plain;version=1.0.0.0;escaping=", "é"),
    ],
)
def test_an_odd_wish_for_a_format_gets_text(served: Served, accept: str) -> None:
    answer = served.get("/metrics", Accept=accept)
    assert answer.status == 200
    assert 'kafka_messages_processed_total{status="success",topic="raw"} 0.0' in answer.body


def test_metrics_are_compressed_as_the_scrape_wants_them(served: Served) -> None:
    plain = served.get("/metrics").body
    host, port = served.address
    with closing(http.client.HTTPConnection(host, port, timeout=10)) as connection:
        connection.request("GET", "/metrics", headers={"Accept-Encoding": "gzip"})
        response = connection.getresponse()
        assert response.getheader("Content-Encoding") == "gzip"
        assert gzip.decompress(response.read()).decode() == plain


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["kafka_messages_processed_total"], {"kafka_messages_processed_total"}),
        (["kafka_messages_processed"], {"kafka_messages_processed_total"}),
        (
            ["kafka_processing_latency_seconds_sum", "kafka_messages_processed_total"],
            {"kafka_processing_latency_seconds_sum", "kafka_messages_processed_total"},
        ),
        (
            ["kafka_processing_latency_seconds"],
            {f"kafka_processing_latency_seconds_{part}" for part in ("bucket", "count", "sum")},
        ),
        (["nothing_of_ours"], set()),
    ],
)
def test_a_scrape_may_name_what_it_wants(served: Served, names: list[str], found: set[str]) -> None:
    query = "&".join(f"name[]={name}" for name in names)
    for accept in ("text/plain", "application/openmetrics-text"):
        body = served.get(f"/metrics?{query}", Accept=accept).body
        series = {re.split(r"[{ ]", line)[0] for line in body.splitlines() if line[0] != "#"}
        assert series == found


def test_browsers_get_no_icon_and_no_error(served: Served) -> None:
    answer = served.get("/favicon.ico")
    assert (answer.status, answer.body) == (204, "")


def test_the_start_page_links_to_everything_and_shows_the_state(served: Served) -> None:
    page = served.get("/")
    assert page.headers["Content-Type"].startswith("text/html")
    assert "&lt;churn&gt;" in page.body
    assert "starting" in page.body
    links = re.findall(r'href="([^"]+)"', page.body)
    assert links == ["/metrics", "/health", "/health/live", "/health/ready"]
    assert [served.get(link).status for link in links] == [200, 200, 200, 503]


@pytest.mark.parametrize("path", ["/nothing", "/metrics/", "/health/x", "/metricsx"])
def test_other_paths_are_not_found(served: Served, path: str) -> None:
    assert served.get(path).status == 404


def test_only_reading_is_allowed(served: Served) -> None:
    for method in ("POST", "PUT", "DELETE"):
        answer = served.get("/metrics", method)
        assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")
    head = served.get("/health/ready", "HEAD")
    assert (head.status, head.body) == (503, "")


def test_a_page_that_cannot_be_made_is_one_entry_in_the_log_and_no_other_is_touched(
    stack: ExitStack, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    served = serve(stack)
    served.store.compute(catalogue.PROGRESS_AGE, lambda: 1 / 0)
    assert [served.get("/metrics").status for _ in range(3)] == [500] * 3
    assert len([line for line in caplog.records if line.exc_info]) == 1
    assert capfd.readouterr() == ("", "")
    assert served.get("/health").status == 200


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


@pytest.mark.parametrize("is_tls", [False, True])
def test_a_request_has_a_deadline_as_a_whole(
    stack: ExitStack, certificates: Path, monkeypatch: pytest.MonkeyPatch, is_tls: bool
) -> None:
    monkeypatch.setattr("stream_telemetry.outlets.server._REQUEST_SECONDS", 0.5)
    tls = Tls(certificates / "server.pem", certificates / "server.key") if is_tls else None
    served = serve(stack, tls=tls)
    with socket.create_connection(served.address, timeout=5) as slow:
        start = time.monotonic()
        with contextlib.suppress(OSError):
            while time.monotonic() - start < 5:
                slow.sendall(b"G")
                time.sleep(0.1)
    assert 0.4 < time.monotonic() - start < 2


def test_probes_are_answered_beside_200_clients_that_send_a_byte_now_and_then(
    stack: ExitStack, served: Served
) -> None:
    slow = [stack.enter_context(socket.create_connection(served.address)) for _ in range(200)]
    done = threading.Event()

    def trickle() -> None:
        while not done.wait(0.5):
            for client in slow:
                with contextlib.suppress(OSError):
                    client.sendall(b"G")

    thread = threading.Thread(target=trickle)
    thread.start()
    try:
        for _ in range(6):
            start = time.monotonic()
            assert served.get("/health/live").status == 200
            assert served.get("/metrics").status == 200
            assert time.monotonic() - start < 1
            time.sleep(0.3)
        assert threading.active_count() < 150
    finally:
        done.set()
        thread.join()


def test_a_client_that_does_not_read_its_answer_holds_up_nobody(
    stack: ExitStack, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stream_telemetry.outlets.server._REQUEST_SECONDS", 0.5)
    for _ in range(50):
        client = stack.enter_context(socket.create_connection(served.address))
        client.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
    assert served.get("/health/live").status == 200


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
