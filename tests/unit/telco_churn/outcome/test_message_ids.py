"""What a log calls a record."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path

import pytest

from telco_churn.errors import SettingsError
from telco_churn.outcome.message_ids import MAX_CHARS, make_message_id, plain_id
from telco_churn.outcome.settings import MessageIdSettings

SECRET = b"0123456789abcdef"


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_bytes(SECRET + b"\n")
    return path


def hashed(path: Path | None) -> MessageIdSettings:
    return MessageIdSettings(log_message_id="hashed", log_key_file=path)


@pytest.mark.parametrize(
    ("key", "name"),
    [
        (None, None),
        (b"", ""),
        (b"7590-VHVEG", "7590-VHVEG"),
        ("größe".encode(), "größe"),
        (b"a\xffb", "a\\xffb"),
        (b"x" * MAX_CHARS, "x" * MAX_CHARS),
        (b"x" * (MAX_CHARS + 1), "x" * (MAX_CHARS - 1) + "…"),
    ],
)
def test_a_plain_name_is_the_key_as_text(key: bytes | None, name: str | None) -> None:
    assert plain_id(key) == name
    assert make_message_id(MessageIdSettings())(key) == name


def test_a_hashed_name_is_the_beginning_of_an_hmac_with_the_secret(key_file: Path) -> None:
    name = make_message_id(hashed(key_file))(b"7590-VHVEG")
    assert name == hmac.digest(SECRET, b"7590-VHVEG", hashlib.sha256)[:16].hex()


def test_a_hashed_name_of_no_key_is_none(key_file: Path) -> None:
    assert make_message_id(hashed(key_file))(None) is None


def test_names_that_are_off_are_none() -> None:
    assert make_message_id(MessageIdSettings(log_message_id="off"))(b"7590-VHVEG") is None


def test_hashing_without_a_secret_says_which_option_is_missing() -> None:
    with pytest.raises(SettingsError, match="name its file: --log-key-file"):
        make_message_id(hashed(None))


def test_a_secret_that_is_too_short_is_refused_without_being_shown(key_file: Path) -> None:
    key_file.write_bytes(b"  hunter2  \n")
    with pytest.raises(SettingsError, match="holds 7 bytes; write at least 16") as told:
        make_message_id(hashed(key_file))
    assert "hunter2" not in str(told.value)


def test_a_secret_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"log key file .*absent cannot be read \(No such"):
        make_message_id(hashed(tmp_path / "absent"))
