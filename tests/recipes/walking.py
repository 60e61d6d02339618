"""Walks a recipe of CONTRIBUTING.md on a copy of the project."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from sources import HOME, project_files


@dataclass(frozen=True)
class Edit:
    """New lines in one file, before the first line that holds `before` after one with `after`.

    With `replaces`, in the place of that line.
    """

    file: str
    text: str
    before: str
    after: str = ""
    replaces: bool = False

    def apply(self, project: Path) -> None:
        """Writes the lines; a place that is no longer there fails the test."""
        path = project / self.file
        lines = path.read_text("utf-8").splitlines(keepends=True)
        start = find(lines, self.after, 0, self.file)
        at = find(lines, self.before, start, self.file)
        path.write_text("".join([*lines[:at], self.text, *lines[at + self.replaces :]]), "utf-8")


def find(lines: list[str], word: str, start: int, file: str) -> int:
    places = [at for at, line in enumerate(lines) if at >= start and word in line]
    assert places, f"{file} has no line with {word!r} any more: mend the recipe's test"
    return places[0]


@dataclass(frozen=True)
class Recipe:
    """What CONTRIBUTING.md tells to do, and what says so when a step is left out.

    Attributes:
        heading: in CONTRIBUTING.md.
        edits: what is written by hand, by what it is.
        test: the new test, or sample; it is no edit of the product.
        generators: modules that write what follows from the edits.
        checks: arguments of pytest; they fail when something is missing.
        said: part of what the checks say, by the edit, `test` or generator that was left out.
    """

    heading: str
    edits: dict[str, tuple[Edit, ...]]
    checks: tuple[str, ...]
    said: dict[str, str]
    generators: tuple[str, ...] = ()
    test: tuple[Edit, ...] = ()

    @property
    def files(self) -> set[str]:
        """What is edited by hand, besides the test."""
        return {edit.file for edits in self.edits.values() for edit in edits}

    def walk(self, project: Path, *, without: Collection[str] = ()) -> None:
        """Takes all steps on the copy in `project` but those left out."""
        for name, edits in {**self.edits, "test": self.test}.items():
            for edit in edits if name not in without else ():
                edit.apply(project)
        for module in self.generators:
            if module not in without:
                done = run(project, "-m", module)
                assert without or done.returncode == 0, done.stderr

    def check(self, project: Path) -> subprocess.CompletedProcess[str]:
        """Runs the checks on the copy."""
        return run(project, "-m", "pytest", "-q", "-p", "no:cacheprovider", *self.checks)

    def section(self) -> str:
        """What CONTRIBUTING.md says of it."""
        text = (HOME / "CONTRIBUTING.md").read_text("utf-8")
        found = re.search(rf"^## {self.heading}\n(.*?)(?=^## |\Z)", text, re.M | re.S)
        assert found, f"CONTRIBUTING.md has no section {self.heading!r}"
        return found[1]


def copy_project(target: Path) -> Path:
    """The project as it is in the working tree, without what git ignores."""
    for path in project_files():
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(HOME / path, target / path, follow_symlinks=False)
    return target


def run(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "CHURN_"))}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=project,
        env={**environment, "PYTHONPATH": str(project / "lib")},
        capture_output=True,
        text=True,
        timeout=300,
    )
