"""What the exporter answers: metrics, health, and a small page that links to both."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, make_wsgi_app

from stream_telemetry.health import Health

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

_JSON = "application/json; charset=utf-8"
_HTML = "text/html; charset=utf-8"
_TEXT = "text/plain; charset=utf-8"
Answer = tuple[str, str, str]  # status, content type, body


def make_app(
    title: str, registry: CollectorRegistry, health: Health, login: str | None = None
) -> WSGIApplication:
    """The exporter's pages, for any WSGI server.

    Args:
        title: what the start page calls the query.
        registry: has the metrics.
        health: knows the query's state.
        login: `user:password` that all pages but `/health…` ask for; those, an orchestrator asks.
    """
    metrics = make_wsgi_app(registry)
    pages: dict[str, Callable[[], Answer]] = {
        "/": lambda: ("200 OK", _HTML, _start_page(title, health)),
        "/health": lambda: _health(health),
        "/health/live": lambda: _probe(is_well=health.is_live, state=health.state),
        "/health/ready": lambda: _probe(is_well=health.is_ready, state=health.state),
    }
    expected = None if login is None else _authorization(login)

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "/") or "/"
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            refusal = ("405 Method Not Allowed", _TEXT, "use GET\n")
            return _send(environ, start_response, refusal, ("Allow", "GET, HEAD"))
        if expected and not path.startswith("/health") and not _is_allowed(environ, expected):
            refusal = ("401 Unauthorized", _TEXT, "name and password, please\n")
            challenge = ("WWW-Authenticate", 'Basic realm="metrics"')
            return _send(environ, start_response, refusal, challenge)
        if path == "/metrics":
            answer: Iterable[bytes] = metrics(environ, start_response)
            return answer
        if path in pages:
            return _send(environ, start_response, pages[path]())
        missing = ("404 Not Found", _TEXT, "try /, /metrics or /health\n")
        return _send(environ, start_response, missing)

    return app


def health_document(health: Health) -> dict[str, object]:
    """The body of `/health`, as the guide has it."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    status = "healthy" if health.is_healthy else "unhealthy"
    return {"status": status, "timestamp": now, "checks": health.checks}


def _health(health: Health) -> Answer:
    document = health_document(health)
    return _status(document["status"] == "healthy"), _JSON, json.dumps(document) + "\n"


def _probe(*, is_well: bool, state: str) -> Answer:
    return _status(is_well), _TEXT, state + "\n"


def _status(is_well: bool) -> str:
    return "200 OK" if is_well else "503 Service Unavailable"


def _start_page(title: str, health: Health) -> str:
    checks = "".join(
        f"<li>{escape(name)}: {escape(check)}</li>" for name, check in health.checks.items()
    )
    links = "".join(
        f'<li><a href="{path}">{path}</a> {text}</li>'
        for path, text in (
            ("/metrics", "for Prometheus"),
            ("/health", "every check"),
            ("/health/live", "whether a restart would help"),
            ("/health/ready", "whether records are dealt with as they come"),
        )
    )
    return (
        f'<!DOCTYPE html><html lang="en"><head><title>{escape(title)}</title></head><body>'
        f"<h1>{escape(title)}</h1><p>State: <strong>{escape(health.state)}</strong>, "
        f"last heard of {health.silence:.0f} s ago.</p><ul>{checks}</ul><ul>{links}</ul>"
        "</body></html>\n"
    )


def _authorization(login: str) -> bytes:
    return b"Basic " + base64.b64encode(login.encode())


def _is_allowed(environ: WSGIEnvironment, expected: bytes) -> bool:
    given = str(environ.get("HTTP_AUTHORIZATION", ""))
    return hmac.compare_digest(given.encode(errors="replace"), expected)


def _send(
    environ: WSGIEnvironment, start_response: StartResponse, answer: Answer, *more: tuple[str, str]
) -> Iterable[bytes]:
    status, content_type, text = answer
    body = text.encode()
    length = ("Content-Length", str(len(body)))
    start_response(status, [("Content-Type", content_type), length, *more])
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]
