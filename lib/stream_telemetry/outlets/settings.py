"""The settings of the outlets."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stream_telemetry.errors import TelemetryError
from stream_telemetry.options import OFF, option
from stream_telemetry.outlets.server import Exporter
from stream_telemetry.outlets.tls import Tls
from stream_telemetry.values import file, or_off, port, seconds, secret_file, text, url

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

    from stream_telemetry.outlets.run_report import RunReport


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
        OFF,
        "PEM key of the certificate, not encrypted",
        parse=or_off(secret_file),
        metavar="FILE",
        is_secret=True,
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
        parse=or_off(secret_file),
        metavar="FILE",
        is_secret=True,
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

    def server(self, make_app: Callable[[str | None], WSGIApplication]) -> Exporter | None:
        """A server that has its port; None where there is to be none.

        Args:
            make_app: makes what is served, behind a `user:password` if there is one.

        Raises:
            TelemetryError: the port is taken, or a file cannot be used.
        """
        if self.metrics_port is None:
            return None
        return Exporter(self.metrics_host, self.metrics_port, make_app(self.login()), self.tls())


def duration(value: str) -> str:
    """A time such as 90m, 24h or 1d; or off."""
    or_off(seconds)(value)
    return value


def label_pairs(value: str) -> str:
    """Labels of a Pushgateway's group: `environment=prod,region=eu`; or off."""
    for name, text_ in _pairs(value):
        if not re.fullmatch("[a-zA-Z_][a-zA-Z0-9_]*", name) or not text_:
            raise ValueError(f"is not a list of labels; write environment=prod,region=eu, or {OFF}")
        if name in ("job", "instance"):
            raise ValueError(f"sets {name}, which are the query and its consumer group")
    return value


def _pairs(value: str) -> list[tuple[str, str]]:
    parts = [] if value == OFF else [part.partition("=") for part in value.split(",")]
    return [(name.strip(), text_.strip()) for name, _, text_ in parts]


@dataclass(frozen=True, kw_only=True)
class PushSettings:
    """Pushgateway."""

    pushgateway: str | None = option(
        OFF, "Pushgateway to push to after each batch", parse=or_off(url), metavar="URL"
    )
    pushgateway_login_file: Path | None = option(
        OFF,
        "file with the user:password for it",
        parse=or_off(secret_file),
        metavar="FILE",
        is_secret=True,
    )
    pushgateway_ca: Path | None = option(
        OFF, "PEM authority that has signed its certificate", parse=or_off(file), metavar="FILE"
    )
    pushgateway_labels: str = option(
        OFF,
        "further labels of what is pushed; they keep environments apart on one gateway",
        parse=label_pairs,
        metavar="NAME=VALUE,…",
    )
    expected_interval: str = option(
        OFF,
        "how often a scheduled run (--trigger once) is to succeed, such as 1d or 90m; an alert "
        "uses it",
        parse=duration,
        metavar="TIME",
    )

    def report(self, job: str, instance: str, *, keep: bool) -> RunReport | None:
        """What is pushed of a run, under this `job` and `instance`; None without a Pushgateway.

        Args:
            job: the name of the query.
            instance: its consumer group.
            keep: whether the figures stay after a run that ended well.

        Raises:
            TelemetryError: the gateway's settings cannot be used.
        """
        if self.pushgateway is None:
            return None
        # Checking settings and --help need not wait for the client of Prometheus.
        from stream_telemetry.outlets.gateway import Gateway
        from stream_telemetry.outlets.run_report import RunReport

        gateway = Gateway(
            url=self.pushgateway,
            job=job,
            instance=instance,
            login=self.login(),
            ca=self.pushgateway_ca,
            labels=dict(_pairs(self.pushgateway_labels)),
        )
        gateway.check()
        interval = or_off(seconds)(self.expected_interval) or 0
        return RunReport(gateway, keep=keep, expected_interval=float(interval))

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
