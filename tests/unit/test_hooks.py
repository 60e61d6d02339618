"""What runs before a commit is what `./run-tests.sh` runs before its tests."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from sources import HOME

HOOKS: list[dict[str, Any]] = [
    hook
    for repo in yaml.safe_load((HOME / ".pre-commit-config.yaml").read_text("utf-8"))["repos"]
    for hook in repo["hooks"]
]


def checkers(text: str) -> list[str]:
    return re.findall(r"ruff format|ruff check|mypy|shellcheck", text)


def test_the_hooks_are_the_checks_of_the_test_script() -> None:
    script = (HOME / "run-tests.sh").read_text("utf-8")
    style = script.partition("== style and types")[2].partition("== tests")[0]
    assert checkers(style)
    assert checkers("\n".join(hook["entry"] for hook in HOOKS)) == checkers(style)


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: str(hook["id"]))
def test_a_hook_runs_in_the_project_s_own_environment(hook: dict[str, Any]) -> None:
    assert hook["entry"].startswith(".venv/bin/")
    assert hook["language"] == "unsupported", "pre-commit would make an environment of its own"
