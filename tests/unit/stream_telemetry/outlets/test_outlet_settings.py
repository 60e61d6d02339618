"""The settings of exporter and Pushgateway: files that go together, and logins in files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

from stream_telemetry.errors import TelemetryError
from stream_telemetry.outlets.settings import ExporterSettings, PushSettings, read_login
from stream_telemetry.outlets.tls import Tls

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

CERT, KEY, CA = Path("cert.pem"), Path("key.pem"), Path("ca.pem")


def test_without_a_word_the_exporter_listens_on_loopback_without_tls_and_login() -> None:
    settings = ExporterSettings()
    assert (settings.metrics_host, settings.metrics_port) == ("127.0.0.1", 8000)
    assert settings.tls() is None
    assert settings.login() is None


def test_without_a_word_nothing_is_pushed() -> None:
    settings = PushSettings()
    assert settings.pushgateway is None
    assert settings.login() is None


def test_without_a_port_there_is_no_server_and_nothing_to_serve() -> None:
    def make_app(login: str | None) -> NoReturn:
        raise AssertionError("nobody asks for it")

    assert ExporterSettings(metrics_port=None).server(make_app) is None


def test_what_is_served_is_made_for_the_login(tmp_path: Path) -> None:
    path = tmp_path / "login"
    path.write_text("name:word\n")
    given: list[str | None] = []

    def make_app(login: str | None) -> WSGIApplication:
        given.append(login)
        return lambda request, start_response: []

    server = ExporterSettings(metrics_port=0, metrics_login_file=path).server(make_app)
    assert server is not None
    server.close()
    assert given == ["name:word"]


def test_a_certificate_and_its_key_make_tls() -> None:
    settings = ExporterSettings(metrics_tls_cert=CERT, metrics_tls_key=KEY)
    assert settings.tls() == Tls(CERT, KEY, None)


def test_an_authority_of_clients_goes_along() -> None:
    settings = ExporterSettings(metrics_tls_cert=CERT, metrics_tls_key=KEY, metrics_client_ca=CA)
    assert settings.tls() == Tls(CERT, KEY, CA)


@pytest.mark.parametrize(
    ("files", "shown"),
    [
        ({"metrics_tls_cert": CERT}, "cert.pem and off"),
        ({"metrics_tls_key": KEY}, "off and key.pem"),
        ({"metrics_client_ca": CA}, "off and off"),
        ({"metrics_tls_cert": CERT, "metrics_client_ca": CA}, "cert.pem and off"),
    ],
)
def test_half_of_a_pair_is_refused_with_what_there_is(files: dict[str, Path], shown: str) -> None:
    with pytest.raises(ValueError, match="needs both --metrics-tls-cert and") as error:
        ExporterSettings(
            metrics_tls_cert=files.get("metrics_tls_cert"),
            metrics_tls_key=files.get("metrics_tls_key"),
            metrics_client_ca=files.get("metrics_client_ca"),
        )
    assert str(error.value).endswith(f"they are {shown}")


def test_a_login_is_the_line_in_the_file(tmp_path: Path) -> None:
    (tmp_path / "login").write_text("name:pass:word\n")
    assert read_login(tmp_path / "login") == "name:pass:word"
    assert ExporterSettings(metrics_login_file=tmp_path / "login").login() == "name:pass:word"
    assert PushSettings(pushgateway_login_file=tmp_path / "login").login() == "name:pass:word"


@pytest.mark.parametrize("content", [b"", b"name\n", b"\n"])
def test_a_file_without_a_login_is_refused_and_its_content_not_shown(
    tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "login").write_bytes(content)
    with pytest.raises(TelemetryError, match="does not hold user:password") as error:
        read_login(tmp_path / "login")
    assert "name" not in str(error.value).replace(str(tmp_path), "")


def test_a_login_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe:")
    for path in (tmp_path / "absent", tmp_path, tmp_path / "binary"):
        with pytest.raises(TelemetryError, match="cannot be read") as error:
            read_login(path)
        assert str(path) in str(error.value)
