"""How a benchmark says what it found, and on what."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Sequence
from importlib.metadata import version

from launcher.java import chosen_java

_GIGABYTE = 1024**3


def markdown(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table: text to the left in the first column, figures to the right."""
    widths = [max(map(len, cells)) for cells in zip(columns, *rows, strict=True)]
    ruler = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    lines = []
    for cells in (columns, ruler, *rows):
        first, *others = zip(cells, widths, strict=True)
        padded = [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]
        lines.append(f"| {' | '.join(padded)} |\n")
    return "".join(lines)


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Prints a `markdown` table."""
    print(markdown(columns, rows), end="")


def machine() -> str:
    """What figures depend on: versions, cores, memory."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / _GIGABYTE
    return (
        f"Spark {version('pyspark')}, Java {chosen_java().version}, "
        f"Python {platform.python_version()}, {os.cpu_count()} cores, {memory:.0f} GB"
    )


def load() -> str:
    """How busy the machine is: its load averages over 1, 5 and 15 minutes."""
    return " ".join(f"{average:.1f}" for average in os.getloadavg())


def print_machine() -> None:
    """Prints what the figures depend on: versions, cores, and how busy the machine is."""
    print(f"{machine()}, load average {load()} (1, 5, 15 minutes)\n")
    sys.stdout.flush()
