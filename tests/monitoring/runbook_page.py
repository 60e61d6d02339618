"""The commands that the runbook tells a person to run."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from monitoring.rule_files import HOME

PAGE = HOME / "docs" / "runbook.md"
PROGRAMS = {"amtool", "curl", "df", "jq", "kubectl", "ls", "pgrep", "pkill", "python", "systemctl"}
PROGRAMS |= {".venv/bin/python", "kafka-console-consumer.sh", "kafka-transactions.sh"}
PROGRAMS |= {"grep", "timeout"}


def commands(alert: str = "") -> list[str]:
    """What stands in code style, has several words, and begins with a program.

    Args:
        alert: whose entry; none: of the whole page.
    """
    text = PAGE.read_text("utf-8")
    if alert:
        text = re.split(r"^##+ ", text.partition(f"### {alert}\n")[2], flags=re.MULTILINE)[0]
    quoted = (" ".join(one.split()) for one in re.findall(r"`([^`]+)`", text))
    return [one for one in quoted if one.partition(" ")[0] in PROGRAMS and " " in one]


def command(start: str, alert: str = "") -> str:
    """The one that begins like this."""
    (found,) = {one for one in commands(alert) if one.startswith(start)}
    return found


def shell(
    text: str, *, code: int = 0, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> str:
    """What a command writes that ends with this exit code."""
    done = subprocess.run(
        ["bash", "-c", text], capture_output=True, text=True, timeout=90, cwd=cwd, env=env
    )
    assert done.returncode == code, (text, done.stdout, done.stderr)
    return done.stdout
