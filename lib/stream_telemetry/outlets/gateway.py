"""A Prometheus Pushgateway: where it is, and how to put a group of figures there and remove it."""

from __future__ import annotations

import base64
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit
from urllib.request import (
    HTTPRedirectHandler,
    HTTPSHandler,
    ProxyHandler,
    Request,
    build_opener,
)

from prometheus_client import CollectorRegistry, delete_from_gateway, pushadd_to_gateway

from stream_telemetry.errors import TelemetryError

# The start and the end of a run wait for a push; the client's own default is 30 s.
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
        labels: of the group besides those two; they keep environments apart.
    """

    url: str = field(repr=False)
    job: str
    instance: str
    login: str | None = field(default=None, repr=False)
    ca: Path | None = None
    labels: Mapping[str, str] = field(default_factory=dict)

    def push(self, registry: CollectorRegistry) -> None:
        """Replaces these metrics of the group, and leaves others; raises OSError, HTTPException."""
        pushadd_to_gateway(
            self.address, self.job, registry, self._group(), TIMEOUT_SECONDS, self._handler()
        )

    def delete(self) -> None:
        """Removes the group; raises OSError or HTTPException when that fails."""
        delete_from_gateway(self.address, self.job, self._group(), TIMEOUT_SECONDS, self._handler())

    def check(self) -> None:
        """Finds out what would make every push fail, without asking the gateway.

        Raises:
            TelemetryError: the URL cannot be pushed to, or the CA file cannot be used.
        """
        if not _is_base(self.url):
            raise TelemetryError(
                f"Pushgateway URL {self.address!r} is not one to push to; write "
                "http://host:9091, without blanks, ? or #"
            )
        self._handler()

    def _group(self) -> dict[str, str]:
        return {"instance": self.instance, **self.labels}

    @property
    def address(self) -> str:
        """The URL without its login."""
        # urllib takes a login for a part of the host's name, and error messages would show it.
        parts = urlsplit(self.url)
        return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()

    def _handler(self) -> _Handler:
        try:
            context = ssl.create_default_context(cafile=self.ca)
        except OSError as error:  # ssl.SSLError is one
            raise TelemetryError(
                f"Pushgateway CA {self.ca} cannot be read ({error}); name a PEM file"
            ) from error
        # The empty ProxyHandler keeps figures and password from a proxy named by `http_proxy`.
        opener = build_opener(ProxyHandler({}), HTTPSHandler(context=context), _NoRedirects())
        parts = urlsplit(self.url)
        login = self.login
        if login is None and parts.username is not None:
            login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"

        def handler(
            url: str, method: str, timeout: float | None, headers: _Headers, data: bytes
        ) -> Callable[[], None]:
            """Prepares one request, as the Prometheus client asks for it."""

            def send() -> None:
                """Sends it; raises OSError or HTTPException."""
                request = Request(url, data=data, method=method, headers=dict(headers))
                if login is not None:
                    token = base64.b64encode(login.encode()).decode()
                    request.add_unredirected_header("Authorization", f"Basic {token}")
                opener.open(request, timeout=timeout).close()

            return send

        return handler


def _is_base(url: str) -> bool:
    """Whether a path can be put behind it; Python's own parser lets blanks and more through."""
    try:
        parts = urlsplit(url)
        has_port = parts.port != 0
    except ValueError:  # the port is not a number
        return False
    is_printable = url.isascii() and url.isprintable() and " " not in url
    is_plain = not parts.query and not parts.fragment
    return bool(parts.hostname and has_port and is_printable and is_plain)


_Headers = list[tuple[str, str]]
_Handler = Callable[[str, str, float | None, _Headers, bytes], Callable[[], None]]


class _NoRedirects(HTTPRedirectHandler):
    """The figures, and the password, go where the settings say and nowhere else."""

    def redirect_request(self, *args: object) -> None:
        """None: the answer is an error, and is not followed."""
        return None
