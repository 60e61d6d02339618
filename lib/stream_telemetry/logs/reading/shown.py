"""How a line of the log looks to people."""

from __future__ import annotations

from stream_telemetry.logs.lines import COLOURS, MAX_READABLE_CHARS, cut, printable
from stream_telemetry.logs.reading.entry import Entry

_DIM, _BOLD, _END = "\x1b[2m", "\x1b[1m", "\x1b[0m"


def shown(entry: Entry, *, has_colours: bool) -> str:
    """Time, level, sentence, and of a record its event, id and latency.

    Whatever the line holds, nothing in it acts on a terminal.
    """
    level = printable(entry.word("level") or "?")
    sentence = cut(printable(entry.word("message")), MAX_READABLE_CHARS)
    about = ", ".join(_about(entry))
    when = printable(entry.timestamp)
    if not has_colours:
        return f"{when} {level:<8} {sentence}" + (f"  [{about}]" if about else "")
    colour = COLOURS.get(level, "")
    line = f"{_DIM}{when}{_END} {colour}{level:<8}{_END if colour else ''} {sentence}"
    return line + (f"  {_DIM}[{about}]{_END}" if about else "")


def heading(text: str, *, has_colours: bool) -> str:
    """The line above a table."""
    return f"{_BOLD}{text}{_END}" if has_colours else text


def _about(entry: Entry) -> list[str]:
    found = [entry.word("event_type").replace("_", " "), entry.word("message_id")]
    if (milliseconds := entry.milliseconds) is not None:
        found.append(f"{milliseconds:.3g} ms")
    return [cut(printable(text), 200) for text in found if text]
