"""When micro-batches run: an interval, once, or real-time mode."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

from telco_churn.errors import SettingsError

if TYPE_CHECKING:
    from pyspark.sql.streaming.readwriter import DataStreamWriter

_UNITS = {"millisecond": 0.001, "second": 1.0, "minute": 60.0, "hour": 3600.0}
# Spark asks for the space between the two, and counts microseconds in 64 bits.
_INTERVAL = re.compile(r"(\d{1,9})\s+(millisecond|second|minute|hour)s?", re.IGNORECASE | re.ASCII)
DEFAULT_REALTIME = "1 minute"
"""Length of a real-time batch; each end of one pauses the stream, each kill repeats one."""
SHORTEST_REALTIME_SECONDS = 5.0
"""Spark's own limit for real-time mode."""


@dataclass(frozen=True)
class Trigger:
    """What `--trigger` asks for."""

    mode: Literal["interval", "once", "realtime"]
    interval: str = ""

    def __str__(self) -> str:
        """As it is written on the command line."""
        if self.mode == "interval":
            return self.interval
        return f"realtime={self.interval}" if self.interval else self.mode

    @property
    def seconds(self) -> float:
        """Time from one batch to the next; 0 for `once`."""
        return _seconds(self.interval) if self.interval else 0.0

    def apply(self, writer: DataStreamWriter) -> DataStreamWriter:
        """The writer with this trigger set."""
        if self.mode == "once":
            return writer.trigger(availableNow=True)
        if self.mode == "realtime":
            # pyspark 4.2.0 takes this keyword but leaves it out of its overloads.
            realtime: Any = writer.outputMode("update").trigger
            return cast("DataStreamWriter", realtime(realTime=self.interval))
        return writer.trigger(processingTime=self.interval)


def parse_trigger(text: str) -> Trigger:
    """The trigger that `text` means: `5 seconds`, `once`, `realtime` or `realtime=1 minute`.

    Raises:
        SettingsError: it means none, or a real-time batch shorter than Spark allows.
    """
    mode, _, interval = text.strip().partition("=")
    if text.strip() == "once":
        return Trigger("once")
    if mode.strip() != "realtime":
        _seconds(text)
        return Trigger("interval", text.strip())
    interval = interval.strip() or DEFAULT_REALTIME
    if _seconds(interval) < SHORTEST_REALTIME_SECONDS:
        raise SettingsError(f"trigger {text!r}: a real-time batch takes at least 5 seconds")
    return Trigger("realtime", interval)


def _seconds(interval: str) -> float:
    match = _INTERVAL.fullmatch(interval.strip())
    if match is None:
        raise SettingsError(
            f"trigger {interval!r} is not understood; use an interval such as '5 seconds', "
            "'once', 'realtime' or 'realtime=1 minute'"
        )
    return int(match[1]) * _UNITS[match[2].lower()]
