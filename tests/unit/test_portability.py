"""The project knows no machine, and nothing outside itself."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sources import HOME, modules, project_files, project_texts

# A path in a longer one, or after a `}`, is none.
HOME_OF_SOMEBODY = re.compile(r"(?<![\w.}/-])/(?:root|home/\w+|Users/\w+)/")
UPWARDS = re.compile(r"(?<![\w./])(?:\.\./)+[\w./-]*")


def known_places(text: str, checkout: Path) -> list[str]:
    """Paths in `text` that only somebody's machine has: a home, or what lies in this checkout."""
    inside = "|".join(re.escape(path.name) for path in checkout.iterdir())
    here = re.compile(rf"(?<![\w.-]){re.escape(str(checkout))}/(?:{inside})\b")
    return HOME_OF_SOMEBODY.findall(text) + here.findall(text)


def ways_out(path: Path, text: str) -> list[str]:
    """Relative paths in the file `path` that lead out of the project."""
    return [way for way in UPWARDS.findall(text) if leads_out(path.parent / way)]


def leads_out(path: Path) -> bool:
    return os.path.normpath(path).startswith("..")


def parents_above(path: Path, tree: ast.AST) -> Iterator[str]:
    """`.parents[n]` that is above the project's root, were it that of the file itself."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Subscript)
            and isinstance(node.value, ast.Attribute)
            and node.value.attr == "parents"
            and isinstance(node.slice, ast.Constant)
            and isinstance(node.slice.value, int)
            and node.slice.value >= len(path.parts)
        ):
            yield ast.unparse(node)


def test_no_file_knows_the_machine_it_was_written_on() -> None:
    found = {path: known_places(text, HOME) for path, text in project_texts()}
    assert {path: places for path, places in found.items() if places} == {}


@pytest.mark.parametrize("home", ["root", "home/ann", "Users/ann"])
def test_somebodys_home_is_found(home: str) -> None:
    assert known_places(f'open("/{home}/x.py")', HOME)
    assert not known_places(f"artifacts/{home}/x.py", HOME)


def test_a_path_of_this_checkout_is_found_wherever_it_is(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    assert known_places(f"cd {tmp_path}/lib", tmp_path)
    assert not known_places(f"cd {tmp_path}/elsewhere", tmp_path)


def test_nothing_is_read_from_outside_the_project() -> None:
    found = {path: ways_out(path, text) for path, text in project_texts()}
    assert {path: ways for path, ways in found.items() if ways} == {}


def test_a_way_out_is_told_from_one_that_stays_inside() -> None:
    outside = "../" + "../x.md"
    assert ways_out(Path("docs/a.md"), f"[x]({outside})") == [outside]
    assert ways_out(Path("docs/deep/a.md"), f"[x]({outside})") == []
    assert ways_out(Path("docs/a.md"), f"docs/deep/{outside}") == []


def test_no_module_climbs_above_the_project() -> None:
    trees = modules("lib", "jobs", "dashboards", "bench", "examples", "tests")
    found = {path: list(parents_above(Path(path), tree)) for path, tree in trees.items()}
    assert {path: climbs for path, climbs in found.items() if climbs} == {}


def test_a_module_that_climbs_above_the_project_is_found() -> None:
    climb = ast.parse("HERE.parents[2]")
    assert list(parents_above(Path("lib/a.py"), climb)) == ["HERE.parents[2]"]
    assert list(parents_above(Path("lib/a/b.py"), climb)) == []


def test_no_link_leads_out_of_the_project() -> None:
    links = [path for path in project_files() if (HOME / path).is_symlink()]
    targets = {path: (HOME / path).resolve() for path in links}
    assert {path for path, target in targets.items() if not target.is_relative_to(HOME)} == set()
