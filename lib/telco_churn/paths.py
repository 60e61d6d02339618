"""The project's own files: `conf/`, `jobs/` and `models/`."""

from __future__ import annotations

import json
import os
import sysconfig
from pathlib import Path
from typing import Any

from telco_churn.errors import SettingsError

_CHECKOUT = Path(__file__).resolve().parents[2]
_INSTALLED = Path(sysconfig.get_path("data"), "share", "telco-churn-stream")
"""Where `pip install` puts them (setup.py)."""


def project_home() -> Path:
    """The directory that holds them: `CHURN_STREAM_HOME`, this checkout, or where pip put them."""
    if named := os.environ.get("CHURN_STREAM_HOME"):
        return Path(named)
    return _CHECKOUT if (_CHECKOUT / "conf").is_dir() else _INSTALLED


def of_project(path: str) -> Path:
    """A relative path of the project's own settings, made absolute.

    What an installed project would write, logs and checkpoint, belongs to whoever runs it: to the
    working directory.
    """
    home = project_home()
    return Path(path) if home == _INSTALLED and not (home / path).exists() else home / path


def own_contracts() -> Path:
    """The directory with the contracts of the project's own customers."""
    return project_home() / "conf" / "contracts"


def read_schema(name: str) -> dict[str, Any]:
    """The JSON Schema in `conf/contracts/NAME.json`; raises SettingsError like `read_document`."""
    return read_document(own_contracts() / f"{name}.json")


def read_document(path: Path) -> dict[str, Any]:
    """The JSON Schema in a file.

    Raises:
        SettingsError: the file is missing or is not JSON.
    """
    try:
        schema: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"contract {path} cannot be read ({error}): restore the file, or name "
            "the directory of others (--contract), or the one that holds conf/ (CHURN_STREAM_HOME)"
        ) from error
    return schema


def job_program() -> Path:
    """The job's own program, which spark-submit runs."""
    return project_home() / "jobs" / "churn_stream.py"
