"""The settings of OpenTelemetry."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

from stream_telemetry.options import OFF, option
from stream_telemetry.values import count, or_off, url


@dataclass(frozen=True, kw_only=True)
class OtlpSettings:
    """OpenTelemetry."""

    otlp_endpoint: str | None = option(
        OFF,
        "base URL of a collector (OTLP over HTTP) that gets the metrics and a span for each "
        "batch; needs the extra otel",
        parse=or_off(url),
        metavar="URL",
        variable="OTEL_EXPORTER_OTLP_ENDPOINT",
    )
    otlp_interval: int = option(
        "15", "seconds from one export to the next", parse=count(1), metavar="SECONDS"
    )

    def __post_init__(self) -> None:
        """Raises ValueError when an endpoint is set and OpenTelemetry is not installed."""
        if self.otlp_endpoint and not _is_installed():
            raise ValueError(
                "--otlp-endpoint needs OpenTelemetry's exporter, which is not installed: pip "
                "install --require-hashes -r requirements-otel.lock; or set it to off"
            )


def _is_installed() -> bool:
    try:
        return find_spec("opentelemetry.exporter.otlp.proto.http") is not None
    except ModuleNotFoundError:  # of a package around it
        return False
