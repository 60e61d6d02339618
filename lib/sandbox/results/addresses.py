"""Where there is something to look at: the job's pages in its words, and the programs beside it.

A port that was taken has made a page of the job another one, so its console is asked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from sandbox.results.start_stages import STARTED

_SAID: Final = {
    "the page": re.compile(r"page at (http\S+/),"),
    "metrics": re.compile(r"metrics at (http\S+/metrics)"),
    "health": re.compile(r"health at (http\S+/health)"),
    "Spark": re.compile(r"Spark's page is at (http\S+)"),
}


class Addresses:
    """A table of them, told once the job has started, each one tried."""

    def __init__(
        self, console: Path, others: Mapping[str, str], answers: Callable[[str], bool]
    ) -> None:
        """Has told nothing yet.

        Args:
            console: file with the job's output.
            others: name and address of what else there is.
            answers: whether an address gives a page.
        """
        self._console = console
        self._others = others
        self._answers = answers
        self._is_told = False

    def new_lines(self, *, is_up: bool) -> list[str]:
        """The table, once the query has started; nothing before and after.

        Args:
            is_up: whether it must have: a console with warnings alone does not tell.
        """
        if self._is_told:
            return []
        text = self._console.read_text("utf-8", errors="replace")
        if not is_up and STARTED not in text:
            return []
        self._is_told = True
        said = {name: found[1] for name, one in _SAID.items() if (found := one.search(text))}
        return [self._row(name, address) for name, address in (said | dict(self._others)).items()]

    def _row(self, name: str, address: str) -> str:
        is_page = address.startswith("http")
        mark = "   does not answer" if is_page and not self._answers(address) else ""
        return f"  {name:<13} {address}{mark}"
