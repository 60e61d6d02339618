"""The tables of options, and how they get into a page."""

from __future__ import annotations

import re

import pytest

from telco_churn.settings.job import job_options, job_sections
from telco_churn.settings.page import FIRST, PAGES, all_options, first_options, with_options

ROW = re.compile(r"^\| `(--[\w-]+)` \| `([^`]*)` \| (.+) \|$", re.MULTILINE)
PAGE = "before\n<!-- options: made -->\nold\nrows\n<!-- /options -->\nafter\n"


def test_the_first_options_are_in_the_order_that_was_chosen() -> None:
    flags = [flag for flag, _, _ in ROW.findall(first_options())]
    assert flags == ["--" + name.replace("_", "-") for name in FIRST]


def test_all_options_are_there_with_their_defaults() -> None:
    rows = {flag: default for flag, default, _ in ROW.findall(all_options())}
    assert rows == {option.flag: option.default for option in job_options()}


def test_each_section_has_a_heading_and_a_table() -> None:
    text = all_options()
    sections = list(job_sections())
    assert text.count("\n## ") == len(sections)
    assert text.count("| --- | --- | --- |") == len(sections)


def test_every_row_says_what_the_option_means() -> None:
    assert all(meaning.strip() for _, _, meaning in ROW.findall(all_options()))


def test_only_what_is_between_the_marks_is_made_anew() -> None:
    made = with_options(PAGE, "new\n")
    assert made == "before\n<!-- options: made -->\nnew\n<!-- /options -->\nafter\n"


def test_making_a_page_twice_changes_nothing_more() -> None:
    once = with_options(PAGE, "new\n")
    assert with_options(once, "new\n") == once


def test_a_backslash_in_a_table_stays_one() -> None:
    assert "a\\1b\\n" in with_options(PAGE, "a\\1b\\n\n")


def test_a_page_without_marks_stays_as_it_is() -> None:
    assert with_options("no marks\n", "new\n") == "no marks\n"


@pytest.mark.parametrize("name", PAGES)
def test_a_page_gets_a_table(name: str) -> None:
    assert ROW.search(PAGES[name]())
