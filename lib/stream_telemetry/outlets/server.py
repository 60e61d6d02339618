"""The HTTP server that shows the metrics.

One thread for each connection, so that a slow client keeps only its own thread busy, and only for
`_REQUEST_SECONDS`. When too many are open, the oldest one is cut: a genuine scrape is answered
within milliseconds. With TLS the handshake happens in that thread too: in the thread that accepts
connections, one idle client would block all others.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import socketserver
import sys
import threading
import time
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from stream_telemetry.errors import TelemetryError
from stream_telemetry.outlets.tls import RenewedTls, Tls

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

log = logging.getLogger(__name__)

_REQUEST_SECONDS = 10.0
"""How long a request and its answer may take together, as Prometheus' own limit for a scrape."""
_MOST_CONNECTIONS = 100
_PARTING_SECONDS = 1.0
"""How long a client may be silent before its connection is closed, once it has its answer."""


class Exporter:
    """Serves a WSGI application until it is closed."""

    def __init__(self, host: str, port: int, app: WSGIApplication, tls: Tls | None = None) -> None:
        """Takes the port; requests wait until `start`.

        Args:
            host: address to listen on.
            port: 0 for any free one.
            app: what to serve.
            tls: files for TLS; without it, plain HTTP.

        Raises:
            TelemetryError: the port is taken, the address is not ours, or TLS has no files.
        """
        renewed = RenewedTls(tls) if tls else None
        try:
            self._server = _Server(host, port, app, renewed)
        except OSError as error:
            raise TelemetryError(
                f"metrics address {host}:{port} cannot be used ({error.strerror}); stop what "
                "listens there, or choose another --metrics-port (0 for any, off for none)"
            ) from error
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            # `close` waits for one interval; the default is 0.5 s.
            kwargs={"poll_interval": 0.1},
            name="telemetry-exporter",
            daemon=True,
        )
        shown = f"[{host}]" if ":" in host else host
        self.url = f"{'https' if tls else 'http'}://{shown}:{self._server.server_port}"

    def start(self) -> None:
        """Begins to answer."""
        self._thread.start()

    def close(self) -> None:
        """Gives the port back; answers under way are finished."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()


class _Server(socketserver.ThreadingMixIn, WSGIServer):
    # A client that reads slowly must not keep the process alive.
    daemon_threads = True
    # With the usual 5, parallel scrapes would have to connect again, a second later.
    request_queue_size = 128

    def __init__(self, host: str, port: int, app: WSGIApplication, tls: RenewedTls | None) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._tls = tls
        self._lock = threading.Lock()
        self._open: dict[socket.socket, float] = {}  # when each was accepted, oldest first
        super().__init__((host, port), _Handler)
        self.set_app(app)

    def server_bind(self) -> None:
        """Takes the port without looking up the host's name."""
        # HTTPServer's own asks the name service for the host, which may take long.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]  # typed as for any socket
        self.setup_environ()

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accepts a connection; the TLS handshake is left to the thread that serves it."""
        connection, address = super().get_request()
        connection.settimeout(_REQUEST_SECONDS)
        if self._tls:
            connection = self._tls.current().wrap_socket(
                connection, server_side=True, do_handshake_on_connect=False
            )
        return connection, address

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serves a connection in a thread of its own; cuts the oldest of too many."""
        with self._lock:
            self._open[request] = time.monotonic()
            too_many = list(self._open)[:-_MOST_CONNECTIONS]
        for connection in too_many:
            _cut(connection)
        super().process_request(request, client_address)

    def service_actions(self) -> None:
        """Cuts connections that have taken too long."""
        # Called by `serve_forever`, several times a second.
        # The socket's own timeout is for a single read: a client that sends now and then would
        # stay.
        begun = time.monotonic() - _REQUEST_SECONDS
        with self._lock:
            late = [connection for connection, at in self._open.items() if at < begun]
        for connection in late:
            _cut(connection)

    def close_request(self, request: Any) -> None:
        """Closes a connection that has been served, once its client knows."""
        _hear_out(request)
        with self._lock:
            self._open.pop(request, None)
        super().close_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Logs a request that failed; the default prints a stack trace."""
        log.debug("a request was given up: %s", sys.exc_info()[1])


def _hear_out(connection: socket.socket) -> None:
    """Lets a client read what it was told last, such as why its certificate is refused.

    A socket that is closed with bytes unread resets the connection. A client that is still sending
    then hears of a broken pipe, and the reason is lost.
    """
    with contextlib.suppress(OSError):
        connection.settimeout(_PARTING_SECONDS)
        while connection.recv(65_536):
            pass


def _cut(connection: socket.socket) -> None:
    """Makes the thread that waits for a client wait no more."""
    with contextlib.suppress(OSError):
        # SSLSocket's own method drops the encryption first: what is still sent would be plain text.
        socket.socket.shutdown(connection, socket.SHUT_RDWR)


class _Handler(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Requests are no news; the console belongs to the job."""
