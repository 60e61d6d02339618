"""One line of a JSON log, read."""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from stream_telemetry.values import LOG_LEVELS

LEVELS = (*LOG_LEVELS, "CRITICAL")


class Entry(NamedTuple):
    """A line that is a JSON object.

    Attributes:
        text: the line as it is.
        fields: what it holds.
    """

    text: str
    fields: Mapping[str, Any]

    @property
    def timestamp(self) -> str:
        """When it was written; empty when it does not say."""
        return self.word("timestamp")

    @property
    def severity(self) -> int:
        """Its level as a number; a level that nobody knows counts as INFO."""
        return logging.getLevelNamesMapping().get(self.word("level"), logging.INFO)

    @property
    def milliseconds(self) -> float | None:
        """The latency that it tells, if it does."""
        value = self.fields.get("latency_ms")
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        return float(value)

    def word(self, field: str) -> str:
        """The text in a field; empty when there is none, or something else."""
        value = self.fields.get(field)
        return value if isinstance(value, str) else ""


def read_entry(line: bytes) -> Entry | None:
    """The line, without what ends it; None when it is no JSON object."""
    text = line.decode("utf-8", "backslashreplace").rstrip("\r\n")
    try:
        fields = json.loads(text)
    # Deeper than Python's parser goes.
    except (ValueError, RecursionError):
        return None
    return Entry(text, fields) if isinstance(fields, dict) else None


@dataclass(frozen=True)
class Choice:
    """Which lines are wanted; a set that is empty takes all.

    Attributes:
        level: the least.
        events: values of `event_type`.
        errors: values of `error_type`.
        ids: values of `message_id`.
    """

    level: str = "DEBUG"
    events: Collection[str] = ()
    errors: Collection[str] = ()
    ids: Collection[str] = ()

    def takes(self, entry: Entry) -> bool:
        """Whether a line is one of them."""
        return entry.severity >= getattr(logging, self.level) and all(
            not wanted or entry.word(field) in wanted
            for field, wanted in (
                ("event_type", self.events),
                ("error_type", self.errors),
                ("message_id", self.ids),
            )
        )
