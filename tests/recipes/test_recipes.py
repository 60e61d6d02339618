"""The recipes of CONTRIBUTING.md work as it says, and a step left out is told by name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from recipes.cookbook import RECIPES
from recipes.walking import copy_project

MOST_FILES = 3
QUICK = "Add an option"
"""Its steps are left out in each run of the tests, those of the others in the slow ones."""


@pytest.mark.parametrize("heading", RECIPES)
def test_a_recipe_that_is_followed_passes_its_checks(heading: str, tmp_path: Path) -> None:
    recipe, project = RECIPES[heading], copy_project(tmp_path)
    recipe.walk(project)
    done = recipe.check(project)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^\d+ passed", done.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    ("heading", "step"),
    [
        pytest.param(heading, step, marks=[] if heading == QUICK else pytest.mark.slow)
        for heading, recipe in RECIPES.items()
        for step in recipe.said
    ],
)
def test_a_step_that_is_left_out_is_named_by_a_check(
    heading: str, step: str, tmp_path: Path
) -> None:
    recipe, project = RECIPES[heading], copy_project(tmp_path)
    recipe.walk(project, without=[step])
    done = recipe.check(project)
    assert done.returncode in (1, 2), done.stdout + done.stderr
    assert recipe.said[step] in done.stdout


@pytest.mark.parametrize("heading", RECIPES)
def test_each_step_is_one_that_a_check_would_miss(heading: str) -> None:
    recipe = RECIPES[heading]
    steps = {*recipe.edits, *recipe.generators, *(["test"] if recipe.test else [])}
    assert recipe.said.keys() == steps


@pytest.mark.parametrize("heading", RECIPES)
def test_contributing_names_the_few_files_the_commands_and_the_checks(heading: str) -> None:
    recipe = RECIPES[heading]
    assert len(recipe.files) <= MOST_FILES
    section = recipe.section()
    for name in (
        *recipe.files,
        *(edit.file for edit in recipe.test),
        *(f"python -m {module}" for module in recipe.generators),
        *(check for check in recipe.checks if check.startswith("tests/")),
    ):
        assert f"`{name}`" in section, name
