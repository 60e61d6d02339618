"""How a line looks, whatever is in it."""

from __future__ import annotations

import json
import logging
import re

import pytest

from stream_telemetry.logs.lines import (
    MAX_CHARS,
    MAX_READABLE_CHARS,
    JsonLines,
    ReadableLines,
    cut,
    printable,
)


def record(message: str, *values: object, level: int = logging.INFO) -> logging.LogRecord:
    made = logging.LogRecord("ours", level, "place.py", 7, message, values, None, "act")
    made.created, made.msecs = 1_767_225_600.25, 250.0
    return made


def as_json(made: logging.LogRecord) -> dict[str, object]:
    line = JsonLines().format(made)
    assert line.isascii()
    assert "\n" not in line
    return dict(json.loads(line))


def test_a_json_line_has_the_standard_fields_in_utc() -> None:
    assert as_json(record("%d read", 5)) == {
        "timestamp": "2026-01-01T00:00:00.250Z",
        "level": "INFO",
        "logger": "ours",
        "message": "5 read",
        "module": "place",
        "function": "act",
        "line": 7,
    }


def test_a_json_line_has_the_fields_of_its_caller_too() -> None:
    made = record("done")
    made.__dict__.update({"batch_id": 3, "lag": None, "checks": {"broker_connection": "pass"}})
    entry = as_json(made)
    assert (entry["batch_id"], entry["lag"]) == (3, None)
    assert entry["checks"] == {"broker_connection": "pass"}


@pytest.mark.parametrize("text", ["a\nb", "é漢", "\x1b[31m", '"', "\ud800", "\u2028"])
def test_no_character_can_break_a_json_line(text: str) -> None:
    assert as_json(record(text))["message"] == text


def test_a_long_text_is_cut_in_a_json_line_and_a_stack_trace_later() -> None:
    made = record("x" * (MAX_CHARS + 1))
    made.exc_text = "y" * (MAX_CHARS * 10 + 1)
    entry = as_json(made)
    assert entry["message"] == "x" * (MAX_CHARS - 1) + "…"
    assert len(str(entry["exc_info"])) == MAX_CHARS * 10


def test_a_readable_line_is_time_level_and_sentence() -> None:
    line = ReadableLines("%H:%M:%S").format(record("%s is up", "it", level=logging.WARNING))
    assert line == "00:00:00.250Z WARNING it is up"


def test_a_readable_line_has_no_stack_trace() -> None:
    made = record("failed")
    made.exc_text = "Traceback"
    assert ReadableLines().format(made).endswith(" INFO    failed")


def test_a_readable_line_fits_into_what_a_pipe_takes_at_once() -> None:
    line = ReadableLines().format(record("漢" * 5_000))
    assert len(line.encode()) < 4_096
    assert line.endswith("…")
    assert line.count("漢") == MAX_READABLE_CHARS - 1


@pytest.mark.parametrize(
    ("level", "colour"),
    [(logging.INFO, None), (logging.WARNING, "33"), (logging.ERROR, "31"), (50, "31")],
)
def test_only_warnings_and_errors_stand_out(level: int, colour: str | None) -> None:
    line = ReadableLines(has_colours=True).format(record("x", level=level))
    assert re.findall(r"\x1b\[(\d\d)m", line) == ([colour] if colour else [])
    assert line.endswith("\x1b[0m") == (colour is not None)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é 漢", "plain é 漢"),
        ("a\nb\tc", "a\\nb\\tc"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\x00\x7f", "\\x00\\x7f"),
        ("\u202e", "\\u202e"),
        ("\ud800", "\\ud800"),
    ],
)
def test_what_a_terminal_would_obey_is_shown_instead(text: str, shown: str) -> None:
    assert printable(text) == shown


@pytest.mark.parametrize(("text", "shown"), [("abc", "abc"), ("abcd", "ab…"), ("", "")])
def test_a_cut_text_ends_with_an_ellipsis_within_the_limit(text: str, shown: str) -> None:
    assert cut(text, 3) == shown
