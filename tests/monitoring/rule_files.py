"""The rules, their tests and their runbook, as data."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from binaries import binary

HOME = Path(__file__).resolve().parents[2]
CONF = HOME / "conf"
PROMETHEUS = CONF / "prometheus"
ALERTMANAGER = CONF / "alertmanager" / "alertmanager.yml"


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


def headings(path: Path) -> list[str]:
    return re.findall(r"^### (\w+)$", path.read_text("utf-8"), re.MULTILINE)


def run(program: str, *arguments: str | Path) -> str:
    """The output of a program that must succeed."""
    command = [binary(program), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=HOME)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
