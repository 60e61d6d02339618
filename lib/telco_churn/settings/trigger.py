"""When micro-batches run: an interval, once, or real-time mode."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

if TYPE_CHECKING:
    from pyspark.sql.streaming.readwriter import DataStreamWriter

_UNITS = {
    **dict.fromkeys(("ms", "millisecond", "milliseconds"), "millisecond"),
    **dict.fromkeys(("s", "sec", "second", "seconds"), "second"),
    **dict.fromkeys(("m", "min", "minute", "minutes"), "minute"),
    **dict.fromkeys(("h", "hour", "hours"), "hour"),
}
"""How people write a unit, and what Spark calls it."""
_SECONDS = {"millisecond": 0.001, "second": 1.0, "minute": 60.0, "hour": 3600.0}
# At most nine digits, because Spark counts an interval in microseconds, in 64 bits.
_INTERVAL = re.compile(r"(\d{1,9})[ \t]*([a-z]+)", re.ASCII)
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
    def is_interval(self) -> bool:
        """Whether a batch holds what has come since the last one."""
        return self.mode == "interval"

    @property
    def is_once(self) -> bool:
        """Whether the query ends when it has read all there is."""
        return self.mode == "once"

    @property
    def is_realtime(self) -> bool:
        """Whether batches are long and records do not wait for their end."""
        return self.mode == "realtime"

    @property
    def seconds(self) -> float:
        """Time from one batch to the next; 0 for `once`."""
        if not self.interval:
            return 0.0
        number, unit = self.interval.split()
        return int(number) * _SECONDS[unit.removesuffix("s")]

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
    """The trigger that `text` means, in any case.

    Examples are `5 seconds`, `5s`, `500 ms`, `once`, `realtime` and `realtime=1 minute`.

    Raises:
        ValueError: it means none, or a real-time batch shorter than Spark allows.
    """
    mode, _, interval = (part.strip() for part in text.lower().partition("="))
    if text.strip().lower() == "once":
        return Trigger("once")
    if mode != "realtime":
        return Trigger("interval", _interval(text))
    trigger = Trigger("realtime", _interval(interval or DEFAULT_REALTIME))
    if trigger.seconds < SHORTEST_REALTIME_SECONDS:
        raise ValueError("is too short: a real-time batch takes at least 5 seconds")
    return trigger


def _interval(text: str) -> str:
    """An interval as Spark wants it: number, space, unit."""
    match = _INTERVAL.fullmatch(text.strip(" \t").lower())
    unit = _UNITS.get(match[2]) if match else None
    if match is None or unit is None:
        raise ValueError(
            "is not understood; use an interval such as '5 seconds' or '5s', 'once', 'realtime' "
            "or 'realtime=1 minute'"
        )
    return f"{int(match[1])} {unit}{'' if int(match[1]) == 1 else 's'}"
