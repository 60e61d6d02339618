"""A server in a Pushgateway's place, which keeps what it was asked."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    login: str | None
    body: str


class KeepingServer(HTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Keeper)
        self.status = 202
        self.asked: list[Asked] = []

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.server_port}"


class Keeper(BaseHTTPRequestHandler):
    def do_PUT(self) -> None:
        assert isinstance(self.server, KeepingServer)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        token = (self.headers.get("Authorization") or "").removeprefix("Basic ")
        login = base64.b64decode(token).decode() if token else None
        self.server.asked.append(Asked(self.command, self.path, login, body))
        self.send_response(self.server.status)
        self.send_header("Location", f"http://{self.server.place}/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_DELETE = do_GET = do_PUT

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def keeping_server() -> Iterator[KeepingServer]:
    made = KeepingServer()
    thread = Thread(target=made.serve_forever, args=(0.02,))
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()
