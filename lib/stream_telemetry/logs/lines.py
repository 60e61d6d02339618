"""How a line looks: one JSON object for machines, one sentence for people."""

from __future__ import annotations

import logging
import os
import time
from typing import Any, TextIO

from pythonjsonlogger.json import JsonFormatter

MAX_CHARS = 2_000
"""Longer texts are cut and end with an ellipsis; a stack trace may be ten times as long."""
MAX_READABLE_CHARS = 1_000
"""For people; in UTF-8 such a line stays below the 4,096 bytes that a pipe takes at once."""
TIMESTAMP_FORMAT, MILLISECONDS_FORMAT = "%Y-%m-%dT%H:%M:%S", "%s.%03dZ"

COLOURS = {"WARNING": "\x1b[33m", "ERROR": "\x1b[31m", "CRITICAL": "\x1b[31m"}
"""Escape sequences of the levels that stand out."""

_FIELDS = ("asctime", "levelname", "name", "message", "module", "funcName", "lineno")
_NAMES = {
    "asctime": "timestamp",
    "levelname": "level",
    "name": "logger",
    "funcName": "function",
    "lineno": "line",
}


class JsonLines(JsonFormatter):
    """One JSON object a line; ASCII only, so that no character of a record can break a line."""

    def __init__(self) -> None:
        super().__init__(list(_FIELDS), rename_fields=_NAMES, json_ensure_ascii=True)
        self.converter = time.gmtime
        self.default_time_format = TIMESTAMP_FORMAT
        self.default_msec_format = MILLISECONDS_FORMAT

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        """The fields, with long texts cut."""
        return {
            name: cut(value, MAX_CHARS * (10 if name == "exc_info" else 1))
            if isinstance(value, str)
            else value
            for name, value in log_data.items()
        }


class ReadableLines(logging.Formatter):
    """Time, level and sentence. A stack trace is for the JSON file alone."""

    def __init__(self, time_format: str = TIMESTAMP_FORMAT, *, has_colours: bool = False) -> None:
        """Prepares the format.

        Args:
            time_format: of the time, UTC, before its milliseconds.
            has_colours: whether warnings and errors stand out by escape sequences.
        """
        super().__init__()
        self.converter = time.gmtime
        self.default_time_format = time_format
        self.default_msec_format = MILLISECONDS_FORMAT
        self._has_colours = has_colours

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        # Cut before escaping too, which would take long on a text of megabytes.
        sentence = cut(printable(record.getMessage()[:MAX_CHARS]), MAX_READABLE_CHARS)
        line = f"{self.formatTime(record)} {record.levelname:<7} {sentence}"
        colour = COLOURS.get(record.levelname) if self._has_colours else None
        return f"{colour}{line}\x1b[0m" if colour else line


def cut(text: str, characters: int) -> str:
    """The text, or its beginning."""
    return text if len(text) <= characters else text[: characters - 1] + "…"


def printable(text: str) -> str:
    """The text with control characters escaped, which a terminal would act on instead of show."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def has_colours(stream: TextIO) -> bool:
    """Whether to colour; NO_COLOR and FORCE_COLOR (no-color.org, force-color.org) win."""
    if os.environ.get("NO_COLOR"):
        return False
    # Below spark-submit stderr is a pipe: the launcher looks for a terminal and sets FORCE_COLOR.
    return stream.isatty() or bool(os.environ.get("FORCE_COLOR"))
