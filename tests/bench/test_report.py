"""The page about performance shows the figures that are kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from report import BENCH, PAGE, PARTS, Report, with_part

PLACE = "before\n<!-- a: made by `python bench/report.py` -->\nold\n<!-- /a -->\nafter\n"


def test_the_page_and_its_plots_are_made_of_the_kept_figures(tmp_path: Path) -> None:
    page = PAGE.read_text("utf-8")
    Report(BENCH / "figures", tmp_path / PAGE.name).write(page)
    assert (tmp_path / PAGE.name).read_text("utf-8") == page, "run python bench/report.py --only"
    made = {file.name: file.read_text() for file in tmp_path.glob("performance/*.svg")}
    kept = {file.name: file.read_text() for file in PAGE.with_suffix("").glob("*.svg")}
    assert made == kept


def test_the_page_has_a_place_for_each_part() -> None:
    page = PAGE.read_text("utf-8")
    for name in PARTS:
        assert "<!-- here -->" in with_part(page, name, "<!-- here -->\n")


def test_a_part_takes_the_place_of_what_was_between_its_marks() -> None:
    assert with_part(PLACE, "a", "new\n") == PLACE.replace("old", "new")


def test_a_page_without_the_place_says_what_to_put_there() -> None:
    with pytest.raises(SystemExit, match="has no place for b: put <!-- b: made by"):
        with_part(PLACE, "b", "new\n")
