"""The exporter's server: many clients, idle or slow ones, TLS, and its port."""

from __future__ import annotations

import contextlib
import socket
import ssl
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from served import LOOPBACK, Served, serve
from waiting import eventually

from stream_telemetry.errors import TelemetryError
from stream_telemetry.health import Health, Limits
from stream_telemetry.metrics import catalogue
from stream_telemetry.outlets.pages import make_app
from stream_telemetry.outlets.server import Exporter
from stream_telemetry.outlets.tls import Tls


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority (ca.pem), a server's and a client's certificate with their keys."""
    directory = tmp_path_factory.mktemp("tls")
    make_certificate(directory, "ca", "/CN=authority")
    for name in ("server", "client"):
        make_certificate(directory, name, f"/CN={name}", signed_by="ca")
    return directory


def make_certificate(directory: Path, name: str, subject: str, signed_by: str = "") -> None:
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-subj", subject, "-keyout", f"{name}.key", "-out", f"{name}.pem"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1"]
    if signed_by:
        command += ["-CA", f"{signed_by}.pem", "-CAkey", f"{signed_by}.key"]
    subprocess.run(command, cwd=directory, check=True, capture_output=True)


@pytest.fixture(params=[False, True], ids=["http", "tls"])
def either(request: pytest.FixtureRequest, stack: ExitStack, certificates: Path) -> Served:
    """Without TLS, and with it."""
    if not request.param:
        return serve(stack)
    served = serve(stack, tls=Tls(certificates / "server.pem", certificates / "server.key"))
    served.client = ssl.create_default_context(cafile=certificates / "ca.pem")
    return served


def connected(stack: ExitStack, served: Served) -> socket.socket:
    """A client that has begun, over TLS as far as the end of the handshake."""
    client = stack.enter_context(socket.create_connection(served.address, timeout=5))
    if served.client is None:
        return client
    return stack.enter_context(served.client.wrap_socket(client, server_hostname=LOOPBACK))


def test_fifty_scrapes_at_once_are_answered_within_a_second(served: Served) -> None:
    with ThreadPoolExecutor(50) as pool:
        start = time.monotonic()
        answers = list(pool.map(lambda _: served.get("/metrics").status, range(50)))
        elapsed = time.monotonic() - start
    assert answers == [200] * 50
    assert elapsed < 1.0


def test_idle_clients_block_nobody(stack: ExitStack, either: Served) -> None:
    # Over TLS they have not even begun with the handshake.
    for _ in range(20):
        stack.enter_context(socket.create_connection(either.address))
    start = time.monotonic()
    assert either.get("/metrics").status == 200
    assert time.monotonic() - start < 1.0


def test_a_client_without_the_right_certificate_is_refused(
    stack: ExitStack, certificates: Path
) -> None:
    tls = Tls(certificates / "server.pem", certificates / "server.key", certificates / "ca.pem")
    served = serve(stack, tls=tls)
    served.client = ssl.create_default_context(cafile=certificates / "ca.pem")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        served.get("/metrics")
    served.client.load_cert_chain(certificates / "client.pem", certificates / "client.key")
    assert served.get("/metrics").status == 200


@pytest.mark.parametrize("is_tls", [False, True])
def test_a_request_has_a_deadline_as_a_whole(
    stack: ExitStack, certificates: Path, monkeypatch: pytest.MonkeyPatch, is_tls: bool
) -> None:
    monkeypatch.setattr("stream_telemetry.outlets.server._REQUEST_SECONDS", 0.5)
    tls = Tls(certificates / "server.pem", certificates / "server.key") if is_tls else None
    served = serve(stack, tls=tls)
    with socket.create_connection(served.address, timeout=5) as slow:
        start = time.monotonic()
        with contextlib.suppress(OSError):
            while time.monotonic() - start < 5:
                slow.sendall(b"G")
                time.sleep(0.1)
    assert 0.4 < time.monotonic() - start < 2


def test_probes_are_answered_beside_200_clients_that_send_a_byte_now_and_then(
    stack: ExitStack, either: Served
) -> None:
    slow = [connected(stack, either) for _ in range(200)]
    done = threading.Event()

    def trickle() -> None:
        while not done.wait(0.5):
            for client in slow:
                with contextlib.suppress(OSError):
                    client.sendall(b"G")

    thread = threading.Thread(target=trickle)
    thread.start()
    try:
        for _ in range(6):
            start = time.monotonic()
            assert either.get("/health/live").status == 200
            assert either.get("/metrics").status == 200
            assert time.monotonic() - start < 1
            time.sleep(0.3)
        assert threading.active_count() < 150
    finally:
        done.set()
        thread.join()


def test_a_client_that_reads_its_answer_slowly_is_cut_and_holds_up_nobody(
    stack: ExitStack, either: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stream_telemetry.outlets.server._REQUEST_SECONDS", 1.0)
    # 16 MB, more than the buffers of both ends take.
    either.store.declare(catalogue.INFO, [(str(n), *("x" * 4000,) * 4) for n in range(1000)])
    before = threading.active_count()
    client = connected(stack, either)
    client.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
    assert either.get("/health/live").status == 200
    received = [0]

    def is_cut() -> bool:
        with contextlib.suppress(OSError):
            received.append(len(client.recv(1000)))
        return threading.active_count() <= before

    # To make so long an answer takes its time.
    assert eventually(is_cut, 30)
    with contextlib.suppress(OSError):
        while more := client.recv(1_000_000):
            received.append(len(more))
    assert sum(received) < 15_000_000


@pytest.mark.parametrize(
    ("request_text", "status"),
    [
        (b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n", b"414"),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000 + b"\r\n\r\n", b"431"),
        (b"GET / HTTP/1.1\r\n" + b"X: x\r\n" * 1_000 + b"\r\n", b"431"),
    ],
)
def test_a_request_has_a_size(
    stack: ExitStack, either: Served, request_text: bytes, status: bytes
) -> None:
    client = connected(stack, either)
    client.sendall(request_text)
    assert client.recv(100).split()[1] == status
    assert either.get("/health/live").status == 200


def test_a_taken_port_is_one_clear_line() -> None:
    with socket.create_server((LOOPBACK, 0)) as other:
        port = other.getsockname()[1]
        app = make_app(CollectorRegistry(), Health(Limits(60), has_model=False), dict)
        with pytest.raises(TelemetryError, match=rf"127\.0\.0\.1:{port} .*--metrics-port") as error:
            Exporter(LOOPBACK, port, app)
    assert "\n" not in str(error.value)


def test_files_that_are_not_for_tls_are_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "x.pem").write_text("nothing")
    with pytest.raises(TelemetryError, match=r"TLS files .*x\.pem"):
        Tls(tmp_path / "x.pem", tmp_path / "x.pem").context()


def test_the_port_is_free_again_after_closing(stack: ExitStack) -> None:
    with ExitStack() as inner:
        served = serve(inner)
        assert served.get("/health/live").status == 200
        port = served.address[1]
    app = make_app(CollectorRegistry(), Health(Limits(60), has_model=False), dict)
    again = Exporter(LOOPBACK, port, app)
    again.close()
