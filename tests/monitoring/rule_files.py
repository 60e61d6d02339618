"""The rules, their tests and their runbook, as data."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from binaries import binary

HOME = Path(__file__).resolve().parents[2]
CONF = HOME / "conf"
PROMETHEUS = CONF / "prometheus"
ALERTMANAGER = CONF / "alertmanager" / "alertmanager.yml"
RULE_TESTS = sorted((HOME / "tests" / "monitoring" / "rules").glob("*.yml"))


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text("utf-8"))


@cache
def rules() -> list[dict[str, Any]]:
    """Recording rules and alerts, in the order of their files."""
    files = [read(PROMETHEUS / name) for name in read(PROMETHEUS / "prometheus.yml")["rule_files"]]
    return [rule for file in files for group in file["groups"] for rule in group["rules"]]


@cache
def alerts() -> dict[str, dict[str, Any]]:
    return {rule["alert"]: rule for rule in rules() if "alert" in rule}


def alert_tests() -> Iterator[tuple[str, bool]]:
    """For each unit test: the alert's name, and whether it is to fire."""
    for path in RULE_TESTS:
        for test in read(path)["tests"]:
            for case in test["alert_rule_test"]:
                yield case["alertname"], bool(case.get("exp_alerts"))


def headings(path: Path) -> list[str]:
    return re.findall(r"^### (\w+)$", path.read_text("utf-8"), re.MULTILINE)


def run(program: str, *arguments: str | Path) -> str:
    """The output of a program that must succeed."""
    command = [binary(program), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=HOME)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
