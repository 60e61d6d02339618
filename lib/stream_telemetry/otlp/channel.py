"""One kind of signal on its way to the collector: what is not taken is counted and told once."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from typing import Generic, Protocol, Self, TypeVar

from stream_telemetry.errors import TelemetryError
from stream_telemetry.logs.rate_limit import News
from stream_telemetry.metrics import catalogue
from stream_telemetry.metrics.store import MetricStore
from stream_telemetry.otlp.telling_session import TellingSession
from stream_telemetry.values import masked

_REPEAT_SECONDS = 600.0
_HEADERS_LOGGER = "opentelemetry.util.re"

log = logging.getLogger(__name__)
Sent = TypeVar("Sent", contravariant=True)


class _Result(Protocol):
    @property
    def name(self) -> str: ...


class Exporter(Protocol[Sent]):
    """What OpenTelemetry's exporters of metrics and of spans have in common."""

    def export(self, sent: Sent, /) -> _Result:
        """Sends it, several times if need be."""

    def shutdown(self) -> None:
        """Gives its connection back."""


class Channel(Generic[Sent]):
    """Sends one kind of signal, and survives whatever becomes of it."""

    def __init__(
        self,
        signal: str,
        endpoint: str,
        exporter: Callable[[str, float, TellingSession], Exporter[Sent]],
        store: MetricStore,
    ) -> None:
        """Prepares the channel; nothing is sent.

        Args:
            signal: `metrics` or `traces`, which is the last part of the path too.
            endpoint: base URL of the collector.
            exporter: makes one for a URL, the seconds that one export may take, and a session.
            store: counts what is not taken.
        """
        self._signal = signal
        self._url = f"{endpoint.rstrip('/')}/v1/{signal}"
        self._exporter = exporter
        self._store = store
        self._news = News(_REPEAT_SECONDS)

    @property
    def is_wanted(self) -> bool:
        """Whether no variable of OpenTelemetry turns this signal off."""
        return os.environ.get(f"OTEL_{self._signal.upper()}_EXPORTER") != "none"

    def check(self) -> None:
        """Tries the variables that exporters read.

        Raises:
            TelemetryError: headers are malformed; they are not shown, as they may be a login.
        """
        with _Complaints(_HEADERS_LOGGER) as complaints:
            self._exporter(self._url, 1.0, TellingSession()).shutdown()
        if complaints.are_heard:
            raise TelemetryError(
                "OTEL_EXPORTER_OTLP_HEADERS, or the variable of one signal, is not a list of "
                "headers; write name=value,name=value, with %2C for a comma"
            )

    def send(self, signals: Sent, seconds: float) -> bool:
        """Whether the collector has taken them, within so many seconds."""
        session = TellingSession()
        exporter = self._exporter(self._url, seconds, session)
        with _Complaints(type(exporter).__module__):
            try:
                is_taken = exporter.export(signals).name == "SUCCESS"
            finally:
                exporter.shutdown()
        if not is_taken:
            self._tell(session.trouble or "it cannot be written as OTLP")
        return is_taken

    def _tell(self, reason: str) -> None:
        self._store.add(catalogue.OTLP_ERRORS, 1, self._signal)
        level = logging.WARNING if self._news.is_news(reason) else logging.DEBUG
        log.log(
            level,
            "%s did not take the %s: %s; see whether a collector answers there",
            *(masked(self._url), self._signal, reason),
        )


class _Complaints(logging.Filter):
    """Keeps what a logger says from the log while its `with` block lasts.

    An exporter has a line for each of its attempts, and shows headers that it cannot read.
    """

    def __init__(self, logger: str) -> None:
        super().__init__()
        self._logger = logging.getLogger(logger)
        self.are_heard = False

    def filter(self, record: logging.LogRecord) -> bool:
        """False: the line goes nowhere."""
        self.are_heard = True
        return False

    def __enter__(self) -> Self:
        """Begins to listen."""
        self._logger.addFilter(self)
        return self

    def __exit__(self, *exception: object) -> None:
        """Lets the logger go on as before."""
        self._logger.removeFilter(self)
