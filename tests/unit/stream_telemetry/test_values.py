"""What the text of an option may be, and what is said of any other text."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from stream_telemetry import values

Parse = Callable[[str], object]


def refusal(parse: Parse, text: str) -> str:
    with pytest.raises(ValueError) as error:  # noqa: PT011 - its text is what is tested
        parse(text)
    return str(error.value)


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (values.text, " a b ", "a b"),
        (values.choice("fail", "continue"), "fail", "fail"),
        (values.on_off, "on", True),
        (values.on_off, "off", False),
        (values.count(), "0", 0),
        (values.count(1), "0042", 42),
        (values.whole, "-7", -7),
        (values.number(), "1e3", 1000.0),
        (values.number(-1.0, 1.0), "-1", -1.0),
        (values.share, "0.25", 0.25),
        (values.positive, "0.001", 0.001),
        (values.port, "0", 0),
        (values.port, "65535", 65535),
        (values.url, "https://u:p@host:9091/path", "https://u:p@host:9091/path"),
        (values.directory, "not/there", Path("not/there")),
        (values.log_level, "warning", "WARNING"),
        (values.moment, "2026-11-28", datetime(2026, 11, 28, tzinfo=UTC)),
        (values.moment, "2026-11-28T04:30Z", datetime(2026, 11, 28, 4, 30, tzinfo=UTC)),
        (values.moment, "2026-11-28 05:30+01:00", datetime(2026, 11, 28, 4, 30, tzinfo=UTC)),
    ],
)
def test_text_of_the_right_kind_becomes_its_value(parse: Parse, text: str, value: object) -> None:
    parsed = parse(text)
    assert parsed == value
    assert type(parsed) is type(value) or isinstance(value, Path)


@pytest.mark.parametrize(
    ("parse", "texts", "said"),
    [
        (values.text, ["", " ", "\t\n"], "is empty"),
        (values.directory, ["", "  "], "is empty"),
        (values.choice("fail", "continue"), ["", "Fail"], "is none of fail, continue"),
        (values.on_off, ["true", "ON", ""], "is none of on, off"),
        (values.count(), ["-1", "+1", "1.0", "", "x", "¹"], "is not a whole number of at least 0"),
        (values.count(3), ["2"], "is not a whole number of at least 3"),
        (values.whole, ["1.5", "", "one"], "is not a whole number"),
        (values.number(), ["-0.1", "x", "", "nan"], "is not a number of at least 0"),
        (values.number(2.0), ["1.9", "inf"], "is not a number of at least 2"),
        (values.share, ["-0.1", "1.1", "inf", "nan"], "is not a number from 0 to 1"),
        (values.positive, ["0", "0.0"], "is not a number above 0"),
        (values.positive, ["-1"], "is not a number of at least 0"),
        (values.port, ["-1", "65536", "80.0", "http", "²"], "is not a port; use 0"),
        (values.moment, ["", "noon", "2026-13-01", "1764300000"], "is no date or time; write"),
        (values.log_level, ["LOUD", "20", ""], "is not a log level; use one of DEBUG, INFO"),
    ],
)
def test_any_other_text_is_refused_with_what_may_stand_there(
    parse: Parse, texts: list[str], said: str
) -> None:
    for text in texts:
        assert refusal(parse, text).startswith(said), text


@pytest.mark.parametrize(
    "text",
    [
        *("host:9091", "ftp://host", "http://", "http:///path", "http://host:0", "//host"),
        *("http://host:x", "http://host:70000", "http://[::1", "http://a b", "http://a\n"),
    ],
)
def test_what_no_client_could_send_to_is_no_url(text: str) -> None:
    assert refusal(values.url, text) == "is not an http(s) URL; write http://host:9091"


def test_a_file_has_to_be_there_and_be_one(tmp_path: Path) -> None:
    there = tmp_path / "there.pem"
    there.touch()
    assert values.file(str(there)) == there
    for name in (tmp_path, tmp_path / "absent"):
        assert refusal(values.file, str(name)) == "is not a file; name one"


def test_off_is_nothing_and_every_other_text_is_parsed() -> None:
    parse = values.or_off(values.port)
    assert parse("off") is None
    assert parse("0") == 0


def test_what_may_be_off_says_so_when_it_refuses() -> None:
    assert refusal(values.or_off(values.text), " ") == "is empty, or off"
    assert refusal(values.or_off(values.count(1)), "OFF").endswith("of at least 1, or off")


def test_a_number_without_a_highest_one_may_be_as_large_as_a_float_can_be() -> None:
    assert values.number()("1e308") == 1e308
    assert refusal(values.number(), "1e309").startswith("is not a number")
    assert math.isinf(float("1e309"))


@pytest.mark.parametrize(
    ("url", "shown_url"),
    [
        ("http://name:secret@host:9091", "http://***@host:9091"),
        ("http://name:s@cret@host:9091/x", "http://***@host:9091/x"),
        ("name:secret@host:9091", "name:***@host:9091"),
        ("http://host:9091", "http://host:9091"),
        ("host:9091", "host:9091"),
        ("off", "off"),
    ],
)
def test_the_secret_in_a_url_is_masked(url: str, shown_url: str) -> None:
    assert values.masked(url) == shown_url


@pytest.mark.parametrize(
    ("text", "is_there"),
    [
        ("http://name:secret@host:9091", True),
        ("see s3a://KEY:SEC/RET@bucket/x for more", True),
        ("http://host:9091", False),
        ("abfss://container@account.dfs.core.windows.net/x", False),
        ("off", False),
    ],
)
def test_a_password_in_a_url_is_seen_anywhere_in_a_text(text: str, is_there: bool) -> None:
    assert values.has_login(text) == is_there
