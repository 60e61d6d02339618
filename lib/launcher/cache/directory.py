"""Where things are kept that every start would otherwise make anew: jars, and a home for Java."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from launcher.errors import LaunchError

_NAME = "telco-churn-stream"


def cache_directory() -> Path:
    """`SANDBOX_CACHE`, else `telco-churn-stream` in the user's cache directory.

    A user without a home that can be written to, as some containers have, gets one in the directory
    for temporary files. It is not made here.

    Raises:
        LaunchError: that last one is somebody else's.
    """
    if given := os.environ.get("SANDBOX_CACHE"):
        return Path(given).absolute()
    if given := os.environ.get("XDG_CACHE_HOME"):
        return Path(given).absolute() / _NAME
    try:
        home = Path.home() / ".cache"
    except RuntimeError:  # neither HOME nor an entry in the list of users
        return private_directory()
    return home / _NAME if _can_be_made(home / _NAME) else private_directory()


def _can_be_made(directory: Path) -> bool:
    existing = next(path for path in (directory, *directory.parents) if path.exists())
    return existing.is_dir() and os.access(existing, os.W_OK | os.X_OK)


def private_directory() -> Path:
    """This user's own directory among the temporary files, for what cannot be kept elsewhere.

    Raises:
        LaunchError: it cannot be made, or is somebody else's.
    """
    directory = Path(tempfile.gettempdir()) / f"{_NAME}-{os.getuid()}"
    # Anybody could make a directory of that name, and what lies in it is run.
    try:
        directory.mkdir(mode=0o700, exist_ok=True)
        is_ours = directory.lstat().st_uid == os.getuid() and not directory.is_symlink()
    except OSError as error:
        raise LaunchError(f"no cache directory: {error}; set SANDBOX_CACHE to one") from error
    if not is_ours:
        raise LaunchError(
            f"{directory} belongs to somebody else; set SANDBOX_CACHE to a directory of your own"
        )
    return directory
