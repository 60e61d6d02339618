"""The settings are in setup.cfg; here is what it cannot say: the files outside of packages."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from setuptools import setup

SHARE = "share/telco-churn-stream"
FILES = ("conf/**/*", "dashboards/*.json", "jobs/*.py", "models/churn/**/*")
"""What the job finds in its checkout; telco_churn/paths.py looks for them."""


def data_files() -> list[tuple[str, list[str]]]:
    """Where below the environment each file goes."""
    found = defaultdict(list)
    for pattern in FILES:
        for path in sorted(Path().glob(pattern)):
            if path.is_file():
                found[f"{SHARE}/{path.parent.as_posix()}"].append(path.as_posix())
    return list(found.items())


setup(data_files=data_files())
