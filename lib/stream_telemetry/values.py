"""What an option's text may be: one set of value types for all commands.

Each is a function from text to value, or makes one; it raises ValueError with what is wrong.
"""

from __future__ import annotations

import math
import re
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from stream_telemetry.options import OFF

Value = TypeVar("Value")


def or_off(parse: Callable[[str], Value]) -> Callable[[str], Value | None]:
    """What `parse` gives; None for off."""

    def parse_or_off(text: str) -> Value | None:
        """None for off; the error of `parse` also names off."""
        if text == OFF:
            return None
        try:
            return parse(text)
        except ValueError as error:
            raise ValueError(f"{error}, or {OFF}") from error

    return parse_or_off


def text(value: str) -> str:
    """Text that is not blank, without the blanks around it."""
    if not value.strip():
        raise ValueError("is empty")
    return value.strip()


def choice(*allowed: str) -> Callable[[str], str]:
    """One of these words."""

    def parse(value: str) -> str:
        """The word, if it is one of them."""
        if value not in allowed:
            raise ValueError(f"is none of {', '.join(allowed)}")
        return value

    return parse


def on_off(value: str) -> bool:
    """True for on, False for off."""
    return choice("on", OFF)(value) == "on"


def count(least: int = 0) -> Callable[[str], int]:
    """A whole number that is not below `least`."""

    def parse(value: str) -> int:
        """The number, in ASCII digits."""
        # `int` alone would take signs, blanks, underscores and digits of other scripts.
        if not (value.isascii() and value.isdigit()) or int(value) < least:
            raise ValueError(f"is not a whole number of at least {least}")
        return int(value)

    return parse


def whole(value: str) -> int:
    """A whole number, below zero too."""
    try:
        return int(value)
    except ValueError as error:
        raise ValueError("is not a whole number") from error


def number(least: float = 0.0, most: float = math.inf) -> Callable[[str], float]:
    """A finite number from `least` to `most`."""
    allowed = f"of at least {least:g}" if most == math.inf else f"from {least:g} to {most:g}"

    def parse(value: str) -> float:
        """The number, if it is finite and within the bounds."""
        try:
            parsed = float(value)
        except ValueError:
            # One message for text, infinity and nan.
            parsed = math.nan
        if not (math.isfinite(parsed) and least <= parsed <= most):
            raise ValueError(f"is not a number {allowed}")
        return parsed

    return parse


_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
_DURATION = re.compile(rf"(\d+(?:\.\d+)?)\s*([{''.join(_UNITS)}])", re.ASCII)


def seconds(value: str) -> int:
    """A time such as 90m, 24h or 30d, in whole seconds."""
    match = _DURATION.fullmatch(value.strip())
    found = int(float(match[1]) * _UNITS[match[2]]) if match else 0
    if not found:
        raise ValueError("is not a time of at least a second; write 90m, 24h or 30d")
    return found


share = number(0.0, 1.0)
"""A part of a whole, 0 to 1."""


def positive(value: str) -> float:
    """A finite number above 0."""
    parsed = number()(value)
    if parsed == 0:
        raise ValueError("is not a number above 0")
    return parsed


def port(value: str) -> int:
    """A TCP port; 0 for any free one."""
    if not (value.isascii() and value.isdigit()) or int(value) > 65535:
        raise ValueError("is not a port; use 0 (any free one) to 65535")
    return int(value)


def url(value: str) -> str:
    """An http(s) URL without blanks or control characters, which no client could send."""
    try:
        parts = urlsplit(value)
        is_url = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # the port is not a number
        is_url = False
    if not is_url or not value.isprintable() or " " in value:
        raise ValueError("is not an http(s) URL; write http://host:9091")
    if "@" in value.partition(parts.netloc)[2]:
        # A part of the password would be taken for the path, and shown.
        raise ValueError("has an @ behind its host; write / ? # of a password as %2F %3F %23")
    return value


def has_login(value: str) -> bool:
    """Whether there is a URL with a password in it."""
    return re.search(r"://[^/@\s]*:[^@\s]+@", value) is not None


def masked(value: str) -> str:
    """The text without the login of a URL in it, with or without its scheme."""
    return re.sub(r"(//|^[^/:]*:(?!//)).*@", r"\1***@", value)


def file(value: str) -> Path:
    """A file that is there."""
    if not Path(value).is_file():
        raise ValueError("is not a file; name one")
    return Path(value)


def secret_file(value: str) -> Path:
    """A file that is there, and that not everybody on this machine may read."""
    path = file(value)
    if path.stat().st_mode & stat.S_IROTH:
        raise ValueError(
            "holds a secret, and everybody on this machine may read it; chmod o-r it (a volume of "
            "Kubernetes: defaultMode 0440)"
        )
    return path


def directory(value: str) -> Path:
    """A directory, there or not."""
    return Path(text(value))


def moment(value: str) -> datetime:
    """A date, or a date and time, in ISO 8601; in UTC where no zone is named."""
    try:
        found = datetime.fromisoformat(value)
    except ValueError as error:
        raise ValueError("is no date or time; write 2026-11-28 or 2026-11-28T04:30Z") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def log_level(value: str) -> str:
    """A level of the log, in any case."""
    if value.upper() not in LOG_LEVELS:
        raise ValueError(f"is not a log level; use one of {', '.join(LOG_LEVELS)}")
    return value.upper()


LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
