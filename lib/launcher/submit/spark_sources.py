"""Which of its copies of pyspark a program below spark-submit imports."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

_ARCHIVES = ("pyspark", "python", "lib")
"""Where the package `pyspark` keeps archives of its own sources and of Py4J's."""


def without_archives(path: Sequence[str]) -> list[str]:
    """A module path without Spark's archives of sources that lie unpacked on it as well.

    spark-submit puts the archives first. Python keeps nothing of what it compiles from an archive,
    so each start would compile all of pyspark again (measured: 0.9 core-seconds). An archive of
    another Spark than the one that is installed stays.
    """
    return [entry for entry in path if not _is_unpacked(entry, path)]


def use_unpacked_sources() -> None:
    """Lets this process import pyspark from where it is installed, if that is the same one."""
    sys.path[:] = without_archives(sys.path)


def _is_unpacked(entry: str, path: Sequence[str]) -> bool:
    archive = Path(entry)
    if archive.suffix != ".zip" or archive.parent.parts[-3:] != _ARCHIVES:
        return False
    package = archive.stem.partition("-")[0]
    return str(archive.parents[3]) in path and (archive.parents[3] / package).is_dir()
