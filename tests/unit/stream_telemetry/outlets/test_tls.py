"""The exporter's certificates: read once, replaced on disk while it runs, or of no use."""

from __future__ import annotations

import logging
import socket
import ssl
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from certificates import Authority
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from served import Served, serve

from stream_telemetry.errors import TelemetryError
from stream_telemetry.outlets.tls import RenewedTls, Tls


@pytest.fixture
def old(tmp_path: Path) -> Authority:
    return Authority.made(tmp_path, "old")


@pytest.fixture
def new(tmp_path: Path) -> Authority:
    return Authority.made(tmp_path, "new")


def trusts(served: Served, authority: Authority) -> bool:
    served.client = ssl.create_default_context(cafile=authority.pem)
    try:
        return served.get("/metrics").status == 200
    except ssl.SSLCertVerificationError:
        return False


@pytest.mark.parametrize(("version", "is_taken"), [("-tls1_1", False), ("-tls1_2", True)])
def test_an_old_version_of_tls_is_refused(
    stack: ExitStack, old: Authority, version: str, is_taken: bool
) -> None:
    path = old.sign("server")
    host, port = serve(stack, tls=Tls(path, path)).address
    # At its usual level OpenSSL itself would not offer the old one.
    shaken = subprocess.run(
        [
            *("openssl", "s_client", "-connect", f"{host}:{port}", version),
            *("-cipher", "DEFAULT:@SECLEVEL=0"),
        ],
        input=b"",
        capture_output=True,
        timeout=20,
    )
    assert (shaken.returncode == 0) == is_taken
    assert (b"alert protocol version" in shaken.stderr) != is_taken


def test_a_certificate_that_was_replaced_is_that_of_the_next_connection(
    stack: ExitStack, old: Authority, new: Authority
) -> None:
    path = old.sign("server")
    served = serve(stack, tls=Tls(path, path))
    assert trusts(served, old)
    path.write_bytes(new.sign("renewed").read_bytes())
    assert trusts(served, new)
    assert not trusts(served, old)


def test_an_authority_of_clients_that_was_replaced_is_asked_from_then_on(
    stack: ExitStack, tmp_path: Path, old: Authority, new: Authority
) -> None:
    clients = tmp_path / "clients.pem"
    clients.write_bytes(old.pem.read_bytes())
    server, client = old.sign("server"), old.sign("client")
    served = serve(stack, tls=Tls(server, server, clients))
    served.client = ssl.create_default_context(cafile=old.pem)
    served.client.load_cert_chain(client)
    assert served.get("/metrics").status == 200
    clients.write_bytes(new.pem.read_bytes())
    with pytest.raises((ssl.SSLError, ConnectionError)):
        served.get("/metrics")


def test_a_client_that_is_refused_while_it_sends_still_hears_why(
    stack: ExitStack, old: Authority
) -> None:
    path = old.sign("server")
    address = serve(stack, tls=Tls(path, path, old.pem)).address
    context = ssl.create_default_context(cafile=old.pem)
    for _ in range(10):
        with (
            socket.create_connection(address, timeout=10) as connection,
            context.wrap_socket(connection, server_hostname=address[0]) as client,
        ):
            # As in a client that is busy: the refusal is here before the request is on its way.
            time.sleep(0.05)
            client.sendall(b"GET /metrics HTTP/1.0\r\n")
            client.sendall(b"\r\n")
            with pytest.raises(ssl.SSLError, match="certificate required"):
                client.recv(1)


def test_a_replacement_that_is_of_no_use_is_told_once_and_the_old_one_kept(
    stack: ExitStack, old: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    path = old.sign("server")
    served = serve(stack, tls=Tls(path, path))
    for content in (b"half a cert", old.pem.read_bytes()):
        path.write_bytes(content)
        assert trusts(served, old)
    path.unlink()
    assert trusts(served, old)
    (line,) = (record.getMessage() for record in caplog.records)
    assert str(path) in line
    assert line.endswith("what they held before is kept")


def test_what_has_not_changed_is_not_read_again(old: Authority) -> None:
    path = old.sign("server")
    renewed = RenewedTls(Tls(path, path))
    assert renewed.current() is renewed.current()


def test_a_renewal_is_told(old: Authority, caplog: pytest.LogCaptureFixture) -> None:
    path = old.sign("server")
    renewed = RenewedTls(Tls(path, path))
    path.write_bytes(old.sign("next").read_bytes())
    with caplog.at_level(logging.INFO):
        assert renewed.current() is renewed.current()
    assert len(caplog.records) == 1


def test_an_encrypted_key_is_one_line_and_no_question_on_the_terminal(old: Authority) -> None:
    path = old.sign("server")
    key = load_pem_private_key(path.read_bytes(), None).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"canary-51c7")
    )
    path.write_bytes(path.read_bytes().partition(b"-----BEGIN PRIVATE")[0] + key)
    with pytest.raises(TelemetryError, match=r"TLS key .* is encrypted, .*; write it without one"):
        RenewedTls(Tls(path, path))
