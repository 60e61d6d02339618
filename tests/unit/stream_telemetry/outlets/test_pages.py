"""What the exporter answers, asked without a server in between."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import pytest
from prometheus_client import CollectorRegistry, Gauge

from stream_telemetry.health import Health, Limits
from stream_telemetry.outlets.pages import health_document, make_app

LOGIN = "name:pass:word"


@dataclass
class Answer:
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def text(self) -> str:
        return self.body.decode()


class Exporter:
    """An app, the health behind it, and a clock that stands still."""

    def __init__(self, *, login: str | None = None) -> None:
        self.now = 0.0
        registry = CollectorRegistry()
        Gauge("stream_state", "The state.", registry=registry).set(1)
        self.health = Health(Limits(60.0), has_model=True, clock=lambda: self.now)
        self.told: dict[str, object] = {"state": "<script>"}
        self._app = make_app(registry, self.health, lambda: self.told, login)

    def make_well(self) -> None:
        self.health.heard("running")
        self.health.set_broker(is_connected=True)
        self.health.set_model(is_loaded=True)

    def ask(self, path: str, method: str = "GET", **environ: str) -> Answer:
        answer = Answer()

        def start_response(
            status: str, headers: list[tuple[str, str]], exc_info: object = None, /
        ) -> Callable[[bytes], object]:
            answer.status = int(status.split()[0])
            answer.headers = dict(headers)
            return lambda body: None

        asked = {"REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": "", **environ}
        chunks: Iterable[bytes] = self._app(asked, start_response)
        answer.body = b"".join(chunks)
        return answer


@pytest.fixture
def exporter() -> Exporter:
    made = Exporter()
    made.make_well()
    return made


def token(login: str) -> str:
    return "Basic " + base64.b64encode(login.encode()).decode()


def test_a_query_that_is_well_has_a_healthy_document(exporter: Exporter) -> None:
    answer = exporter.ask("/health")
    document = json.loads(answer.body)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert document["status"] == "healthy"
    assert set(document["checks"].values()) == {"pass"}
    assert document["timestamp"].endswith("Z")


def test_a_check_that_fails_makes_it_unhealthy(exporter: Exporter) -> None:
    exporter.health.set_broker(is_connected=False)
    answer = exporter.ask("/health")
    assert answer.status == 503
    assert json.loads(answer.body)["checks"]["broker_connection"] == "fail"
    assert health_document(exporter.health)["status"] == "unhealthy"


@pytest.mark.parametrize(
    ("seconds", "live", "ready"), [(0, 200, 200), (61, 200, 503), (700, 503, 503)]
)
def test_silence_ends_readiness_first_and_liveness_later(
    exporter: Exporter, seconds: float, live: int, ready: int
) -> None:
    exporter.now = seconds
    assert exporter.ask("/health/live").status == live
    assert exporter.ask("/health/ready").status == ready


def test_a_probe_says_the_state(exporter: Exporter) -> None:
    assert exporter.ask("/health/ready").text == "running\n"
    exporter.health.heard("failed")
    assert exporter.ask("/health/live").text == "failed\n"


def test_the_page_is_the_same_whatever_the_query_is_and_forbids_all_else(
    exporter: Exporter,
) -> None:
    answer = exporter.ask("/")
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; ")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
    exporter.health.heard("failed")
    assert exporter.ask("/").body == answer.body


def test_the_page_links_to_every_other_one(exporter: Exporter) -> None:
    page = exporter.ask("/").text
    for path in ("metrics", "health", "health/live", "health/ready", "api/summary"):
        assert f'href="{path}"' in page
        assert exporter.ask(f"/{path}").status == 200


def test_the_summary_is_json_of_this_moment(exporter: Exporter) -> None:
    answer = exporter.ask("/api/summary")
    assert json.loads(answer.body) == exporter.told
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "path", ["/metric", "/metrics/", "/health/", "/health/x", "//", "/favicon", "/api", "/api/"]
)
def test_another_path_is_not_found(exporter: Exporter, path: str) -> None:
    answer = exporter.ask(path)
    assert (answer.status, answer.text) == (404, "try /, /metrics, /health or /api/summary\n")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE"])
def test_nothing_can_be_changed(exporter: Exporter, method: str) -> None:
    answer = exporter.ask("/metrics", method)
    assert answer.status == 405
    assert answer.headers["Allow"] == "GET, HEAD"


@pytest.mark.parametrize("path", ["/", "/api/summary", "/health", "/health/live", "/none"])
def test_head_gets_the_headers_alone(exporter: Exporter, path: str) -> None:
    whole, head = exporter.ask(path), exporter.ask(path, "HEAD")
    assert (head.status, head.body) == (whole.status, b"")
    assert head.headers["Content-Type"] == whole.headers["Content-Type"]
    assert int(head.headers["Content-Length"]) > 0


def test_the_metrics_page_has_what_is_in_the_registry(exporter: Exporter) -> None:
    answer = exporter.ask("/metrics")
    assert answer.status == 200
    assert "stream_state 1.0" in answer.text


@pytest.mark.parametrize("path", ["/", "/api/summary", "/metrics", "/none"])
@pytest.mark.parametrize(
    "given", [None, "", "Basic", "Basic x", token("name:other"), "Bearer x", "é"]
)
def test_without_the_login_nothing_is_told_but_that_there_is_one(
    path: str, given: str | None
) -> None:
    environ = {} if given is None else {"HTTP_AUTHORIZATION": given}
    answer = Exporter(login=LOGIN).ask(path, **environ)
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"] == 'Basic realm="metrics"'
    assert "stream_state" not in answer.text
    assert "script" not in answer.text


def test_with_the_login_the_metrics_are_there() -> None:
    answer = Exporter(login=LOGIN).ask("/metrics", HTTP_AUTHORIZATION=token(LOGIN))
    assert answer.status == 200


@pytest.mark.parametrize("path", ["/health", "/health/live", "/health/ready"])
def test_an_orchestrator_needs_no_login(path: str) -> None:
    exporter = Exporter(login=LOGIN)
    exporter.make_well()
    assert exporter.ask(path).status == 200
