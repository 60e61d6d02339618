"""The project's own files: `conf/` and `models/`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from telco_churn.errors import SettingsError


def project_home() -> Path:
    """The directory that holds `conf/` and `models/`: `CHURN_STREAM_HOME`, or this checkout."""
    return Path(os.environ.get("CHURN_STREAM_HOME") or Path(__file__).resolve().parents[2])


def read_schema(name: str) -> dict[str, Any]:
    """The JSON Schema in `conf/contracts/NAME.json`.

    Raises:
        SettingsError: the file is missing or is not JSON.
    """
    path = project_home() / "conf" / "contracts" / f"{name}.json"
    try:
        schema: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"contract {path} cannot be read ({error}): restore the file, or set "
            "CHURN_STREAM_HOME to the directory that holds conf/"
        ) from error
    return schema


def job_program() -> Path:
    """The job's own program, which spark-submit runs."""
    return project_home() / "jobs" / "churn_stream.py"
