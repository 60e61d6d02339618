"""How a benchmark says what it found, and on what."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Sequence
from importlib.metadata import version

from launcher.java import chosen_java


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Prints a Markdown table: text to the left in the first column, figures to the right."""
    widths = [max(map(len, cells)) for cells in zip(columns, *rows, strict=True)]
    ruler = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    for cells in (columns, ruler, *rows):
        first, *others = zip(cells, widths, strict=True)
        padded = [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]
        print(f"| {' | '.join(padded)} |")


def print_machine() -> None:
    """Prints what the figures depend on: versions, cores, and how busy the machine is."""
    loads = " ".join(f"{load:.1f}" for load in os.getloadavg())
    print(
        f"Spark {version('pyspark')}, Java {chosen_java().version}, "
        f"Python {platform.python_version()}, {os.cpu_count()} cores, "
        f"load average {loads} (1, 5, 15 minutes)\n"
    )
    sys.stdout.flush()
