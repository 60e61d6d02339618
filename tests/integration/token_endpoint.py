"""A login server of our own: gives tokens to clients that know its secret, and its public key."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

LIFE_SECONDS = 600


class TokenServer(ThreadingHTTPServer):
    """Answers `POST /token` (client credentials) and `GET /keys`."""

    def __init__(self, client: str, secret: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.key = rsa.generate_private_key(65537, 2048)
        self.login = "Basic " + base64.b64encode(f"{client}:{secret}".encode()).decode()
        self.client = client

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def token(self) -> str:
        now = int(time.time())
        claims = {"sub": self.client, "iat": now, "exp": now + LIFE_SECONDS, "scope": "kafka"}
        signed = f"{_coded({'alg': 'RS256', 'kid': 'one', 'typ': 'JWT'})}.{_coded(claims)}"
        signature = self.key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{_base64(signature)}"

    def keys(self) -> dict[str, object]:
        numbers = self.key.public_key().public_numbers()
        parts = {
            name: _base64(number.to_bytes((number.bit_length() + 7) // 8))
            for name, number in (("n", numbers.n), ("e", numbers.e))
        }
        return {"keys": [{"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "one", **parts}]}


class _Handler(BaseHTTPRequestHandler):
    server: TokenServer

    def do_GET(self) -> None:
        self._answer(200, self.server.keys())

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.headers.get("Authorization") != self.server.login:
            self._answer(401, {"error": "invalid_client"})
            return
        token = {"access_token": self.server.token(), "expires_in": LIFE_SECONDS}
        self._answer(200, {**token, "token_type": "Bearer"})

    def log_message(self, *arguments: object) -> None:
        """Says nothing."""

    def _answer(self, status: int, body: object) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


@contextmanager
def token_server(client: str, secret: str) -> Iterator[TokenServer]:
    with TokenServer(client, secret) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def _coded(value: object) -> str:
    return _base64(json.dumps(value).encode())


def _base64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")
