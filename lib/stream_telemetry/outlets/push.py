"""Pushes each batch's figures to a Prometheus Pushgateway, without the query ever waiting for it.

What is pushed has names of its own: the counters that are scraped, pushed as well, would be counted
twice by every `sum(rate(…))`.
"""

from __future__ import annotations

import base64
import logging
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import unquote, urlsplit
from urllib.request import HTTPRedirectHandler, HTTPSHandler, Request, build_opener

from prometheus_client import CollectorRegistry, delete_from_gateway, push_to_gateway
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from stream_telemetry.batch.progress import Batch
from stream_telemetry.errors import TelemetryError
from stream_telemetry.metrics import catalogue
from stream_telemetry.metrics.catalogue import Metric

log = logging.getLogger(__name__)

TIMEOUT_SECONDS = 2.0


@dataclass(frozen=True)
class Gateway:
    """A Pushgateway and the group in it, which is the same after every restart.

    Attributes:
        url: `http(s)://[user:password@]host:port`.
        job: the group's `job`.
        instance: its `instance`.
        login: `user:password`, instead of one in the URL.
        ca: PEM file of the authority that signed the gateway's certificate.
    """

    url: str
    job: str
    instance: str
    login: str | None = None
    ca: Path | None = None

    def push(self, registry: CollectorRegistry) -> None:
        """Replaces the group; raises OSError when that fails."""
        push_to_gateway(
            self._address(),
            self.job,
            registry,
            {"instance": self.instance},
            TIMEOUT_SECONDS,
            self._handler(),
        )

    def delete(self) -> None:
        """Removes the group; raises OSError when that fails."""
        delete_from_gateway(
            self._address(), self.job, {"instance": self.instance}, TIMEOUT_SECONDS, self._handler()
        )

    def check(self) -> None:
        """Reads what is needed for TLS.

        Raises:
            TelemetryError: the CA file is none.
        """
        self._handler()

    def _address(self) -> str:
        parts = urlsplit(self.url)
        return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()

    def _handler(self) -> _Handler:
        try:
            context = ssl.create_default_context(cafile=self.ca)
        except OSError as error:  # ssl.SSLError is one
            raise TelemetryError(
                f"Pushgateway CA {self.ca} cannot be read ({error}); name a PEM file"
            ) from error
        opener = build_opener(HTTPSHandler(context=context), _NoRedirects())
        parts = urlsplit(self.url)
        login = self.login
        if login is None and parts.username is not None:
            login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"

        def handler(
            url: str, method: str, timeout: float | None, headers: _Headers, data: bytes
        ) -> Callable[[], None]:
            def send() -> None:
                request = Request(url, data=data, method=method, headers=dict(headers))
                if login is not None:
                    token = base64.b64encode(login.encode()).decode()
                    request.add_unredirected_header("Authorization", f"Basic {token}")
                opener.open(request, timeout=timeout).close()

            return send

        return handler


_Headers = list[tuple[str, str]]
_Handler = Callable[[str, str, float | None, _Headers, bytes], Callable[[], None]]


class _NoRedirects(HTTPRedirectHandler):
    """The figures, and the password, go where the settings say and nowhere else."""

    def redirect_request(self, *args: object) -> None:
        return None


class PushThread:
    """Pushes the newest figures; those that come while a push is under way replace each other."""

    def __init__(self, gateway: Gateway, on_error: Callable[[], None]) -> None:
        """Prepares the thread.

        Args:
            gateway: where to push.
            on_error: called after each push that failed.
        """
        self._gateway = gateway
        self._on_error = on_error
        self._lock = threading.Lock()
        self._values: dict[Metric, float] = dict.fromkeys(_RUN, 0.0)
        self._values[catalogue.RUN_START] = time.time()
        self._wake = threading.Event()
        self._is_finished = False
        self._thread = threading.Thread(target=self._run, name="telemetry-push", daemon=True)

    def start(self) -> None:
        """Begins to push what `put` gives."""
        self._thread.start()

    def put(self, batch: Batch) -> None:
        """Takes a batch's figures; never waits."""
        with self._lock:
            for metric, value in _figures(batch).items():
                self._values[metric] = value
            for total, figure in _TOTALS.items():
                self._values[total] += self._values[figure]
            self._values[catalogue.RUN_BATCHES] += 1
        self._wake.set()

    def finish(self, *, succeeded: bool, keep: bool) -> None:
        """Pushes the end of the run, or deletes the group.

        Args:
            succeeded: whether the run ended as it should.
            keep: false for a stream that was stopped: nobody will refresh its figures.
        """
        self._is_finished = True
        self._wake.set()
        # One push may be under way.
        self._thread.join(2 * TIMEOUT_SECONDS)
        with self._lock:
            self._values[catalogue.RUN_END] = time.time()
            self._values[catalogue.RUN_OK] = float(succeeded)
        self._try(self._push if keep or not succeeded else self._gateway.delete)

    def _run(self) -> None:
        while not self._is_finished:
            self._wake.wait()
            self._wake.clear()
            if not self._is_finished:
                self._try(self._push)

    def _push(self) -> None:
        with self._lock:
            values = dict(self._values)
        registry = CollectorRegistry()
        registry.register(_Values(values))
        self._gateway.push(registry)

    def _try(self, action: Callable[[], None]) -> None:
        try:
            action()
        except (OSError, HTTPError) as error:
            self._on_error()
            log.debug("the Pushgateway did not take the batch's figures: %s", error)


class _Values(Collector):
    def __init__(self, values: Mapping[Metric, float]) -> None:
        self._values = values

    def collect(self) -> Iterator[GaugeMetricFamily]:
        for metric, value in self._values.items():
            yield GaugeMetricFamily(metric.name, metric.help, value)


_RUN = (
    *(catalogue.RUN_BATCHES, catalogue.RUN_READ, catalogue.RUN_SUCCEEDED, catalogue.RUN_FAILED),
    *(catalogue.RUN_START, catalogue.RUN_END, catalogue.RUN_OK),
)
_TOTALS = {
    catalogue.RUN_READ: catalogue.BATCH_READ,
    catalogue.RUN_SUCCEEDED: catalogue.BATCH_SUCCEEDED,
    catalogue.RUN_FAILED: catalogue.BATCH_FAILED,
}


def _figures(batch: Batch) -> dict[Metric, float]:
    return {
        catalogue.BATCH_ID: batch.number,
        catalogue.BATCH_READ: batch.records_read,
        catalogue.BATCH_SUCCEEDED: batch.observed.succeeded,
        catalogue.BATCH_FAILED: batch.records_failed,
        catalogue.BATCH_TOOK: batch.seconds,
        catalogue.BATCH_END: batch.ended,
    }
