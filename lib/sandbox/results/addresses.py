"""Where the job can be seen, in its own words: a port that was taken has made it another one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

_SAID: Final = {
    "page": re.compile(r"page at (http\S+/),"),
    "metrics": re.compile(r"metrics at (http\S+/metrics)"),
    "health": re.compile(r"health at (http\S+/health)"),
    "Spark": re.compile(r"Spark's page is at (http\S+)"),
}


class Addresses:
    """What the job's console has told of them so far."""

    def __init__(self, console: Path) -> None:
        """Has told nothing yet.

        Args:
            console: file with the job's output.
        """
        self._console = console
        self._left = dict(_SAID)

    def new_lines(self) -> list[str]:
        """A line for each address that is told since; none once all of them are known."""
        if not self._left or not self._console.exists():
            return []
        text = self._console.read_text("utf-8", errors="replace")
        found = {name: said[1] for name, one in self._left.items() if (said := one.search(text))}
        for name in found:
            del self._left[name]
        return [f"  {name:<9} {address}" for name, address in found.items()]
