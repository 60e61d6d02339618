"""What a benchmark found, as data: tables, to be printed and kept; `report.py` shows them."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from table import load, machine, markdown

_LOAD_AT_START = load()


@dataclass(frozen=True)
class Table:
    """Figures in rows and columns.

    Attributes:
        title: what its rows are.
        columns: how a figure is written, such as `,.0f`, by the head of its column.
        rows: figures by name of the row; None where there is none.
    """

    title: str
    columns: Mapping[str, str]
    rows: Mapping[str, Sequence[float | None]]

    def column(self, head: str) -> dict[str, float]:
        """The figures of a column, by row; those without one are left out."""
        place = list(self.columns).index(head)
        found = {name: row[place] for name, row in self.rows.items()}
        return {name: figure for name, figure in found.items() if figure is not None}

    def markdown(self) -> str:
        """The table for a page."""
        formats = self.columns.values()
        rows = [
            (name, *(_written(figure, form) for figure, form in zip(row, formats, strict=True)))
            for name, row in self.rows.items()
        ]
        return markdown((self.title, *self.columns), rows)


def beside_first(figures: Mapping[str, float]) -> dict[str, tuple[float, float]]:
    """Rows of a table: each figure, and its ratio to the first one."""
    base = next(iter(figures.values()))
    return {name: (figure, figure / base) for name, figure in figures.items()}


@dataclass(frozen=True)
class Figures:
    """One run of a benchmark.

    Attributes:
        command: that made them.
        ended: when, UTC.
        machine: that it ran on.
        load: of that machine: before the run, and at its end.
        tables: what was found.
    """

    command: str
    ended: str
    machine: str
    load: tuple[str, str]
    tables: tuple[Table, ...]

    @classmethod
    def read(cls, file: Path) -> Self:
        """The figures that `write` has kept."""
        kept = json.loads(file.read_text("utf-8"))
        tables = tuple(Table(**table) for table in kept.pop("tables"))
        return cls(**{**kept, "load": tuple(kept["load"]), "tables": tables})

    def write(self, file: Path) -> None:
        """Keeps them as JSON."""
        file.write_text(json.dumps(asdict(self), indent=1) + "\n", "utf-8")

    def markdown(self) -> str:
        """All of it for a page."""
        before, after = self.load
        told = (
            f"`{self.command}`, {self.ended}: {self.machine}; load average over 1, 5 and 15 "
            f"minutes {before} before, {after} at the end."
        )
        return "\n".join([f"{told}\n", *(table.markdown() for table in self.tables)])


def arguments(description: str) -> argparse.ArgumentParser:
    """A parser with the option that all benchmarks have."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--figures", type=Path, metavar="FILE", help="keep the figures as JSON")
    return parser


def tell(tables: Sequence[Table], file: Path | None) -> None:
    """Prints what was found, and keeps it if there is a file for it."""
    figures = Figures(
        command=_command(),
        ended=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        machine=machine(),
        load=(_LOAD_AT_START, load()),
        tables=tuple(tables),
    )
    print(figures.markdown())
    if file:
        figures.write(file)


def _command() -> str:
    """The command line as it is typed in the checkout."""
    words = list(sys.argv[1:])
    if "--figures" in words:
        at = words.index("--figures")
        del words[at : at + 2]
    return shlex.join(["python", f"bench/{os.path.basename(sys.argv[0])}", *words])


def _written(figure: float | None, form: str) -> str:
    return "" if figure is None else format(figure, form)
