"""Where a sandbox run keeps its broker, its checkpoint and its logs."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Final

from sandbox.errors import SandboxError

_NEEDED_MEGABYTES: Final = 500


def scratch_directory() -> Path:
    """A new directory with room for a run.

    Raises:
        SandboxError: none can be made, or the disk is nearly full.
    """
    try:
        scratch = Path(tempfile.mkdtemp(prefix="telco-churn-sandbox-"))
        free = shutil.disk_usage(scratch).free // 1_000_000
    except OSError as error:
        raise SandboxError(
            f"no scratch directory: {error}; set TMPDIR to a writable one"
        ) from error
    if free < _NEEDED_MEGABYTES:
        scratch.rmdir()
        raise SandboxError(
            f"only {free} MB are free in {scratch.parent}, {_NEEDED_MEGABYTES} MB are needed; make "
            "room there, or set TMPDIR to a directory on another disk"
        )
    return scratch
