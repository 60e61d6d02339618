"""What is sent to a Pushgateway, seen by a server that keeps what it was asked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError

import pytest
from gateway_server import KeepingServer, keeping_server
from prometheus_client import CollectorRegistry, Gauge

from stream_telemetry.errors import TelemetryError
from stream_telemetry.outlets.gateway import Gateway


@pytest.fixture
def server() -> Iterator[KeepingServer]:
    with keeping_server() as made:
        yield made


def figures() -> CollectorRegistry:
    registry = CollectorRegistry()
    Gauge("stream_batch_id", "The batch.", registry=registry).set(7)
    return registry


def test_a_push_replaces_what_has_the_same_name_in_the_group_of_the_job_and_its_instance(
    server: KeepingServer,
) -> None:
    Gateway(f"http://{server.place}", "churn", "group").push(figures())
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("POST", "/metrics/job/churn/instance/group")
    assert "stream_batch_id 7.0\n" in asked.body


def test_a_name_that_no_path_could_hold_is_encoded(server: KeepingServer) -> None:
    Gateway(f"http://{server.place}", "churn", "a/b").push(figures())
    assert server.asked[0].path == "/metrics/job/churn/instance@base64/YS9i"


def test_a_gateway_below_a_path_is_asked_there(server: KeepingServer) -> None:
    Gateway(f"http://{server.place}/push/", "churn", "g").push(figures())
    assert server.asked[0].path.replace("//", "/") == "/push/metrics/job/churn/instance/g"


def test_a_group_is_deleted_by_the_same_path(server: KeepingServer) -> None:
    Gateway(f"http://{server.place}", "churn", "group").delete()
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("DELETE", "/metrics/job/churn/instance/group")


@pytest.mark.parametrize(
    ("in_url", "login", "sent"),
    [
        ("", None, None),
        ("name:p%40s%3As@", None, "name:p@s:s"),
        ("name@", None, "name:"),
        ("", "name:p@ss", "name:p@ss"),
        ("other:x@", "name:p@ss", "name:p@ss"),
    ],
)
def test_a_login_goes_into_the_header_and_that_of_the_file_wins(
    server: KeepingServer, in_url: str, login: str | None, sent: str | None
) -> None:
    Gateway(f"http://{in_url}{server.place}", "churn", "g", login=login).push(figures())
    assert server.asked[0].login == sent


@pytest.mark.parametrize("status", [301, 302, 307, 308, 400, 401, 500])
def test_every_other_answer_is_an_error_and_none_is_followed(
    server: KeepingServer, status: int
) -> None:
    server.status = status
    with pytest.raises(HTTPError) as error:
        Gateway(f"http://u:p@{server.place}", "churn", "g").push(figures())
    error.value.close()
    assert error.value.code == status
    assert len(server.asked) == 1


def test_a_proxy_of_the_environment_is_not_asked(
    server: KeepingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    Gateway(f"http://{server.place}", "churn", "g").push(figures())
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "url", ["http://host:9091", "https://u:p@host/base", "http://[::1]:9091", "http://host"]
)
def test_a_url_that_a_path_can_follow_is_taken(url: str) -> None:
    Gateway(url, "churn", "g").check()


@pytest.mark.parametrize(
    "url",
    [
        *("http://host:9091/a b", "http://host:9091\n", "http://host:0", "http://host:x"),
        *("http://a b:9091", "http://host:90x1"),
        *("http://host?x=1", "http://host#x", "http://", "http://höst"),
    ],
)
def test_a_url_that_every_push_would_fail_at_is_refused_at_the_start(url: str) -> None:
    with pytest.raises(TelemetryError, match="is not one to push to") as error:
        Gateway(url, "churn", "g").check()
    assert "\n" not in str(error.value)


def test_a_refused_url_is_told_without_its_login() -> None:
    with pytest.raises(TelemetryError) as error:
        Gateway("http://somebody:secret@host:9091/a b", "churn", "g").check()
    assert "secret" not in str(error.value)
    assert "host:9091" in str(error.value)


def test_an_authority_that_is_none_is_refused_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    for path in (tmp_path / "ca.pem", tmp_path / "absent.pem"):
        with pytest.raises(TelemetryError, match=r"Pushgateway CA .*\.pem cannot be read"):
            Gateway("https://localhost", "churn", "g", ca=path).check()
