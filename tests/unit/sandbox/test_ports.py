from __future__ import annotations

import socket

import pytest

from sandbox import ports
from sandbox.errors import SandboxError
from sandbox.ports import LOOPBACK, free_port, port_is_free


def test_a_port_that_somebody_listens_on_is_not_free() -> None:
    with socket.create_server((LOOPBACK, 0)) as server:
        port = server.getsockname()[1]
        assert not port_is_free(port)
    assert port_is_free(port)


def test_a_port_of_a_server_that_has_just_ended_is_free_at_once() -> None:
    with socket.create_server((LOOPBACK, 0)) as server:
        port = server.getsockname()[1]
        client = socket.create_connection((LOOPBACK, port))
        accepted, _ = server.accept()
        # Whoever closes first keeps the connection in TIME_WAIT.
        accepted.close()
        client.close()
    assert port_is_free(port)


def test_a_free_port_is_below_those_that_systems_give_to_clients() -> None:
    found = {free_port() for _ in range(20)}
    assert all(15_000 <= port < 32_000 for port in found)
    assert len(found) > 1


def test_no_free_port_is_one_line_that_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "port_is_free", lambda port: False)
    with pytest.raises(SandboxError, match=r"no free port among 200 tried in 15000-32000; end"):
        free_port()
