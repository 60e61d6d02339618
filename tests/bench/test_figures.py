"""What a benchmark finds is kept, and shown as it was found."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from figures import Figures, Table

TABLE = Table("what", {"rate": ",.0f", "ratio": ".2f"}, {"one": (1234.5, 1.0), "two": (2, None)})
FIGURES = Figures(
    "python bench/none.py", "2026-01-02 03:04 UTC", "2 cores", ("0.1", "2.0"), (TABLE,)
)


def test_figures_are_read_as_they_were_kept(tmp_path: Path) -> None:
    FIGURES.write(tmp_path / "figures.json")
    again = Figures.read(tmp_path / "figures.json")
    rows = {name: tuple(row) for name, row in again.tables[0].rows.items()}
    assert replace(again, tables=(replace(again.tables[0], rows=rows),)) == FIGURES


def test_a_table_writes_each_figure_as_its_column_says() -> None:
    header, _, one, two = TABLE.markdown().splitlines()
    assert [cell.strip() for cell in header.strip("|").split("|")] == ["what", "rate", "ratio"]
    assert [cell.strip() for cell in one.strip("|").split("|")] == ["one", "1,234", "1.00"]
    assert [cell.strip() for cell in two.strip("|").split("|")] == ["two", "2", ""]


def test_a_column_has_the_rows_that_have_a_figure_in_it() -> None:
    assert TABLE.column("ratio") == {"one": 1.0}
    with pytest.raises(ValueError, match="none"):
        TABLE.column("none")


def test_figures_are_told_with_command_time_machine_and_load() -> None:
    told = FIGURES.markdown().splitlines()[0]
    for part in (FIGURES.command, FIGURES.ended, FIGURES.machine, *FIGURES.load):
        assert part in told
