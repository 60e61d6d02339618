"""Gateways that do not take what is pushed, and who must not get it."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest
from pushing import Pushing, make_batch
from waiting import eventually

from sandbox.ports import LOOPBACK


def test_a_gateway_that_never_answers_costs_the_query_nothing() -> None:
    with socket.create_server((LOOPBACK, 0)) as black_hole:
        pushing = Pushing(f"http://{LOOPBACK}:{black_hole.getsockname()[1]}")
        start = time.monotonic()
        for number in range(10_000):
            pushing.thread.put(make_batch(number))
        assert time.monotonic() - start < 3.0
        assert eventually(lambda: pushing.errors >= 1, 4)
        start = time.monotonic()
        pushing.finish()
        assert time.monotonic() - start < 9.0
        assert 3 <= pushing.errors <= 5


class RecordingServer(HTTPServer):
    """Answers with one status, and holds what it was asked: paths and logins."""

    def __init__(self, status: int, location: str) -> None:
        super().__init__((LOOPBACK, 0), Recorder)
        self.status = status
        self.location = location
        self.requests: list[tuple[str, str | None]] = []


class Recorder(BaseHTTPRequestHandler):
    """Answers every request as its server says, and keeps what it was sent."""

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"] or 0))
        assert isinstance(self.server, RecordingServer)
        self.server.requests.append((self.path, self.headers.get("Authorization")))
        self.send_response(self.server.status)
        self.send_header("Location", self.server.location)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST = do_DELETE = do_PUT

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def recorder(status: int, location: str = "/") -> Iterator[RecordingServer]:
    server = RecordingServer(status, location)
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("in_url", "options", "expected"),
    [
        ("", {}, None),
        ("name:p%40ss@", {}, "Basic bmFtZTpwQHNz"),
        ("", {"login": "name:p@ss"}, "Basic bmFtZTpwQHNz"),
        ("other:x@", {"login": "name:p@ss"}, "Basic bmFtZTpwQHNz"),
    ],
)
def test_the_login_goes_into_the_header_and_not_into_the_url(
    in_url: str, options: dict[str, Any], expected: str | None
) -> None:
    with recorder(200) as server:
        pushing = Pushing(f"http://{in_url}{LOOPBACK}:{server.server_port}", keep=True, **options)
        pushing.finish()
        assert server.requests == [("/metrics/job/churn/instance/group", expected)] * 2
        assert pushing.errors == 0


@pytest.mark.parametrize("status", [302, 307, 400, 500])
def test_redirects_are_not_followed_and_refusals_are_counted(status: int) -> None:
    with (
        recorder(200) as elsewhere,
        recorder(status, f"http://{LOOPBACK}:{elsewhere.server_port}/") as server,
    ):
        pushing = Pushing(f"http://u:p@{LOOPBACK}:{server.server_port}", keep=True)
        pushing.finish()
        assert pushing.errors == 2
        assert elsewhere.requests == []


@contextmanager
def saying(answer: bytes) -> Iterator[str]:
    """A server that gives each client the same answer, whatever it was asked."""
    with socket.create_server((LOOPBACK, 0)) as server:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    client, _ = server.accept()
                    with client:
                        client.recv(65536)
                        client.sendall(answer)

        thread = Thread(target=serve)
        thread.start()
        try:
            yield f"http://{LOOPBACK}:{server.getsockname()[1]}"
        finally:
            # Closing alone does not wake up a thread that accepts.
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


@pytest.mark.parametrize(
    "answer", [b"SSH-2.0-OpenSSH_9.6\r\n", b"", b"HTTP/1.1 two hundred\r\n\r\n"]
)
def test_a_gateway_that_answers_no_http_is_counted_and_pushed_to_again(answer: bytes) -> None:
    with saying(answer) as url:
        pushing = Pushing(url)
        pushing.thread.put(make_batch(1))
        assert eventually(lambda: pushing.errors == 2)
        pushing.thread.put(make_batch(2))
        assert eventually(lambda: pushing.errors == 3)
        pushing.finish()
        assert (pushing.errors, pushing.surprises) == (4, 0)


def test_a_proxy_of_the_environment_gets_neither_figures_nor_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with recorder(200) as server, recorder(200) as proxy:
        for name in ("http_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://{LOOPBACK}:{proxy.server_port}")
        monkeypatch.delenv("no_proxy", raising=False)
        pushing = Pushing(f"http://name:secret@{LOOPBACK}:{server.server_port}", keep=True)
        pushing.finish()
        assert pushing.errors == 0
        assert (len(server.requests), proxy.requests) == (2, [])
