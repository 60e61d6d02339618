"""An exporter that runs, and what stands behind its pages."""

from __future__ import annotations

import http.client
import ssl
from contextlib import ExitStack, closing
from dataclasses import dataclass
from urllib.parse import urlsplit

from prometheus_client import CollectorRegistry

from stream_telemetry.health import Health, Limits
from stream_telemetry.live.overview import Overview
from stream_telemetry.metrics import catalogue
from stream_telemetry.metrics.store import MetricStore
from stream_telemetry.outlets.pages import make_app
from stream_telemetry.outlets.server import Exporter
from stream_telemetry.outlets.tls import Tls
from stream_telemetry.stream import Stream

LOOPBACK = "127.0.0.1"
STREAM = Stream(
    query="<churn>",
    topic="raw",
    broker="127.0.0.1:1",
    consumer_group="group",
    checkpoint="c",
    batch_seconds=5.0,
    model_backend="spark",
)


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
    overview: Overview
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


def serve(
    stack: ExitStack,
    login: str | None = None,
    tls: Tls | None = None,
    *,
    stream: Stream = STREAM,
    port: int = 0,
) -> Served:
    registry = CollectorRegistry()
    store = MetricStore()
    store.declare(catalogue.PROCESSED, [("success", "raw")])
    store.declare(catalogue.PROCESSING_LATENCY, [(f"step{n}",) for n in range(10)])
    registry.register(store)
    health = Health(Limits(stall=60), has_model=True)
    overview = Overview(stream, store, health, reads_refused=True)
    app = make_app(registry, health, overview.summary, login)
    exporter = Exporter(LOOPBACK, port, app, tls)
    exporter.start()
    stack.callback(exporter.close)
    return Served(exporter, health, store, overview)
