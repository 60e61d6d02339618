"""Where the project's own files (`conf/`, `models/`) are."""

from __future__ import annotations

import os
from pathlib import Path


def project_home() -> Path:
    """The directory that holds `conf/` and `models/`: `CHURN_STREAM_HOME`, or this checkout."""
    return Path(os.environ.get("CHURN_STREAM_HOME") or Path(__file__).resolve().parents[2])
