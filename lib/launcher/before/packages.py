"""Exits with 0 if this Python is new enough and has the packages that setup.cfg asks for.

Run by its path, before anything of the project can be imported.
"""

from __future__ import annotations

import sys
from configparser import ConfigParser
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_SETUP = Path(__file__).resolve().parents[3] / "setup.cfg"


def missing_packages(setup: Path = _SETUP) -> list[str]:
    """What `setup.cfg` asks for and is not installed, as it is written there: `name==version`."""
    parser = ConfigParser()
    parser.read(setup, encoding="utf-8")
    wanted = parser["options"]["install_requires"].split("\n")
    return [line for line in wanted if line and not _is_installed(*line.split("=="))]


def _is_installed(name: str, wanted: str) -> bool:
    try:
        return version(name) == wanted
    except PackageNotFoundError:
        return False


if __name__ == "__main__":
    sys.exit(sys.version_info < (3, 11) or bool(missing_packages()))
