"""What many lines say together: how many of each kind, and percentiles of their latencies."""

from __future__ import annotations

import math
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from stream_telemetry.logs.lines import printable
from stream_telemetry.logs.reading.entry import Entry
from stream_telemetry.logs.reading.shown import heading

_SHARES = (50, 90, 95, 99, 100)
_COUNTED = {"event": "event_type", "error": "error_type", "level": "level"}


class Counts:
    """How many lines there are by event, error and level."""

    def __init__(self) -> None:
        self._counts = {title: Counter[str]() for title in _COUNTED}

    def add(self, entry: Entry) -> None:
        """Counts a line."""
        for title, field in _COUNTED.items():
            if word := entry.word(field):
                self._counts[title][word] += 1

    def table(self, *, has_colours: bool) -> Iterator[str]:
        """The lines of the table, the most first."""
        for title, counts in self._counts.items():
            yield heading(f"{title:<34} {'lines':>10}", has_colours=has_colours)
            for word, count in counts.most_common():
                yield f"{printable(word):<34} {count:>10,}"
            if not counts:
                yield "none"


class Latencies:
    """The latencies of records, by event."""

    def __init__(self) -> None:
        # Numbers as such: a hundred megabytes of log have a few hundred thousand.
        self._of: defaultdict[str, array[float]] = defaultdict(lambda: array("d"))

    def add(self, entry: Entry) -> None:
        """Takes a line in, if it tells a latency."""
        if (milliseconds := entry.milliseconds) is not None:
            self._of[entry.word("event_type") or "other"].append(milliseconds)

    def table(self, *, has_colours: bool) -> Iterator[str]:
        """The lines of the table: milliseconds, all events first."""
        titles = "".join(f"{'max' if s == 100 else f'p{s}':>10}" for s in _SHARES)
        yield heading(f"{'latency in ms':<34} {'records':>10}{titles}", has_colours=has_colours)
        rows = sorted(self._of.items(), key=lambda one: -len(one[1]))
        everything = array("d", (value for _, values in rows for value in values))
        for word, values in [("all", everything), *(rows if len(rows) > 1 else [])]:
            ordered = sorted(values)
            figures = "".join(f"{_text(nearest_rank(ordered, share)):>10}" for share in _SHARES)
            yield f"{printable(word):<34} {len(values):>10,}{figures}"


def nearest_rank(ordered: Sequence[float], share: float) -> float | None:
    """The least value that so many of a hundred do not exceed; None of no values.

    Args:
        ordered: the values, rising.
        share: above 0, up to 100.
    """
    return ordered[math.ceil(len(ordered) * share / 100) - 1] if ordered else None


def _text(value: float | None) -> str:
    return "-" if value is None else f"{value:,.3g}" if value < 1000 else f"{value:,.0f}"
