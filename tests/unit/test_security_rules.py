"""docs/security.md names a test for each rule of the security review, and each of them is there."""

from __future__ import annotations

import ast
import re

import pytest
from sources import HOME

PAGE = (HOME / "docs/security.md").read_text("utf-8")
RULES = 25
ROW = re.compile(r"^\| (\d+) \| [^|]+ \| ([^|]+) \|$", re.M)
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
FOUND = {int(number): held for number, held in ROW.findall(PAGE)}


def defined(path: str) -> set[str]:
    """The tests of a file."""
    body = ast.parse((HOME / path).read_text("utf-8")).body
    return {part.name for part in body if isinstance(part, ast.FunctionDef)}


def test_each_rule_is_there_once() -> None:
    assert sorted(FOUND) == list(range(1, RULES + 1))
    assert len(ROW.findall(PAGE)) == RULES


@pytest.mark.parametrize("rule", sorted(FOUND))
def test_the_tests_of_a_rule_are_there(rule: int) -> None:
    named = TEST.findall(FOUND[rule])
    assert named or FOUND[rule].startswith("no test: ")
    assert FOUND[rule].count("`tests/") == len(named), "written otherwise"
    assert [(path, name) for path, name in named if name not in defined(path)] == []
