"""The settings of the outlets."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from stream_telemetry.errors import TelemetryError
from stream_telemetry.options import OFF, option
from stream_telemetry.outlets.server import Tls
from stream_telemetry.values import file, or_off, port, text, url


@dataclass(frozen=True, kw_only=True)
class ExporterSettings:
    """Metrics exporter."""

    metrics_host: str = option(
        "127.0.0.1", "address of the metrics exporter", parse=text, metavar="HOST"
    )
    metrics_port: int | None = option(
        "8000", "its port; 0 picks a free one, off disables it", parse=or_off(port), metavar="PORT"
    )
    metrics_tls_cert: Path | None = option(
        OFF,
        "PEM certificate; with it and its key the exporter speaks TLS",
        parse=or_off(file),
        metavar="FILE",
    )
    metrics_tls_key: Path | None = option(
        OFF, "PEM key of the certificate", parse=or_off(file), metavar="FILE"
    )
    metrics_client_ca: Path | None = option(
        OFF,
        "PEM authority that must have signed a client's certificate",
        parse=or_off(file),
        metavar="FILE",
    )
    metrics_login_file: Path | None = option(
        OFF,
        "file with the user:password that /metrics asks for",
        parse=or_off(file),
        metavar="FILE",
    )

    def __post_init__(self) -> None:
        """Raises ValueError when the files for TLS do not go together."""
        pair = (self.metrics_tls_cert, self.metrics_tls_key)
        if any((*pair, self.metrics_client_ca)) and not all(pair):
            raise ValueError(
                "TLS for the metrics needs both --metrics-tls-cert and --metrics-tls-key; "
                f"they are {pair[0] or OFF} and {pair[1] or OFF}"
            )

    def tls(self) -> Tls | None:
        """The files for TLS, if it is wanted."""
        if self.metrics_tls_cert is None or self.metrics_tls_key is None:
            return None
        return Tls(self.metrics_tls_cert, self.metrics_tls_key, self.metrics_client_ca)

    def login(self) -> str | None:
        """The `user:password`, if there is one; raises TelemetryError like `read_login`."""
        return read_login(self.metrics_login_file)


@dataclass(frozen=True, kw_only=True)
class PushSettings:
    """Pushgateway."""

    pushgateway: str | None = option(
        OFF, "Pushgateway to push to after each batch", parse=or_off(url), metavar="URL"
    )
    pushgateway_login_file: Path | None = option(
        OFF, "file with the user:password for it", parse=or_off(file), metavar="FILE"
    )
    pushgateway_ca: Path | None = option(
        OFF, "PEM authority that has signed its certificate", parse=or_off(file), metavar="FILE"
    )

    def login(self) -> str | None:
        """The `user:password`, if there is one; raises TelemetryError like `read_login`."""
        return read_login(self.pushgateway_login_file)


def read_login(path: Path | None) -> str | None:
    """The `user:password` in a file; None without a file.

    Raises:
        TelemetryError: the file cannot be read, or holds something else.
    """
    if path is None:
        return None
    try:
        login = path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise TelemetryError(f"login file {path} cannot be read: {error}") from error
    if ":" not in login:
        raise TelemetryError(f"login file {path} does not hold user:password; write that line")
    return login
