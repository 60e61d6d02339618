"""What the exporter answers: metrics, health, and a page that shows the query to a person."""

from __future__ import annotations

import base64
import hmac
import json
import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from prometheus_client import CollectorRegistry

from stream_telemetry.health import Health, is_well
from stream_telemetry.live.document import read_document
from stream_telemetry.logs.rate_limit import News
from stream_telemetry.outlets.exposition import expose
from stream_telemetry.timestamps import iso_utc

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

_JSON = "application/json; charset=utf-8"
_HTML = "text/html; charset=utf-8"
_TEXT = "text/plain; charset=utf-8"
_FRESH = (("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff"))
"""For answers that are of this moment, or of this version of the job."""
_REPEAT_SECONDS = 600.0

log = logging.getLogger(__name__)


class Answer(NamedTuple):
    """What a request gets."""

    status: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


_NOTHING = Answer("204 No Content", (), b"")
"""For the icon, which browsers ask for by themselves."""


def make_app(
    registry: CollectorRegistry,
    health: Health,
    summary: Callable[[], Mapping[str, object]],
    login: str | None = None,
) -> WSGIApplication:
    """The exporter's pages, for any WSGI server.

    Args:
        registry: has the metrics.
        health: knows the query's state.
        summary: gives what the page shows; it must ask nobody.
        login: `user:password` that all pages but `/health…` ask for; orchestrators need those.
    """
    pages = _pages(registry, health, summary)
    expected = None if login is None else _authorization(login)
    news = News(_REPEAT_SECONDS)

    def answer(request: WSGIEnvironment) -> Answer:
        """The page that is asked for, or why there is none."""
        path = request.get("PATH_INFO", "/") or "/"
        if request["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return _answer("405 Method Not Allowed", _TEXT, "use GET\n", ("Allow", "GET, HEAD"))
        if expected and not path.startswith("/health") and not _is_allowed(request, expected):
            challenge = ("WWW-Authenticate", 'Basic realm="metrics"')
            return _answer("401 Unauthorized", _TEXT, "name and password, please\n", challenge)
        if path not in pages:
            return _answer("404 Not Found", _TEXT, "try /, /metrics, /health or /api/summary\n")
        return pages[path](request)

    def app(request: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """The WSGI application."""
        try:
            status, headers, body = answer(request)
        except Exception as error:
            # Left to wsgiref, the stack trace would go to standard error at each request.
            if news.is_news(type(error).__name__):
                log.exception("a page of the exporter could not be made")
            status, headers, body = _answer("500 Internal Server Error", _TEXT, "see the log\n")
        # RFC 9110: an answer 204 has no Content-Length.
        if status != _NOTHING.status:
            headers = (*headers, ("Content-Length", str(len(body))))
        start_response(status, [*headers])
        return [] if request["REQUEST_METHOD"] == "HEAD" else [body]

    return app


def _pages(
    registry: CollectorRegistry, health: Health, summary: Callable[[], Mapping[str, object]]
) -> dict[str, Callable[[WSGIEnvironment], Answer]]:
    document = read_document()
    page = _answer("200 OK", _HTML, document.text, *_FRESH, *document.headers)
    return {
        "/": lambda _: page,
        "/api/summary": lambda _: _answer("200 OK", _JSON, json.dumps(summary()) + "\n", *_FRESH),
        "/metrics": lambda request: Answer("200 OK", *expose(registry, request)),
        "/health": lambda _: _health(health),
        "/health/live": lambda _: _probe(is_well=health.is_live, state=health.state),
        "/health/ready": lambda _: _probe(is_well=health.is_ready, state=health.state),
        "/favicon.ico": lambda _: _NOTHING,
    }


def health_document(health: Health) -> dict[str, object]:
    """The body of `/health`, as the guide has it."""
    now = iso_utc(datetime.now(UTC))
    checks = health.checks
    status = "healthy" if is_well(checks) else "unhealthy"
    return {"status": status, "timestamp": now, "checks": checks}


def _health(health: Health) -> Answer:
    document = health_document(health)
    return _answer(_status(document["status"] == "healthy"), _JSON, json.dumps(document) + "\n")


def _probe(*, is_well: bool, state: str) -> Answer:
    return _answer(_status(is_well), _TEXT, state + "\n")


def _status(is_well: bool) -> str:
    return "200 OK" if is_well else "503 Service Unavailable"


def _authorization(login: str) -> bytes:
    return b"Basic " + base64.b64encode(login.encode())


def _is_allowed(environ: WSGIEnvironment, expected: bytes) -> bool:
    given = str(environ.get("HTTP_AUTHORIZATION", ""))
    # Takes equally long for every wrong login, so that none can be guessed byte by byte.
    return hmac.compare_digest(given.encode(errors="replace"), expected)


def _answer(status: str, content_type: str, text: str, *more: tuple[str, str]) -> Answer:
    return Answer(status, (("Content-Type", content_type), *more), text.encode())
