"""The lock of the jars: what Spark's own resolver brings, with the sums of what has come."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from launcher.cache.connector import connector
from launcher.cache.jar_lock import LOCK, file_name, sha512
from launcher.cache.jars import JarSet, downloaded
from sandbox.kafka.kafka_jars import KAFKA

_HEAD = """\
# The jars that are fetched beside the Python packages: for each directory of the cache, coordinates
# and SHA-512. A start uses these and no others. Written by `python -m sandbox.locks`.
"""


def write_jar_lock() -> None:
    """Downloads all jars, whatever the cache has, and writes `jars.lock`.

    Raises:
        LaunchError: something cannot be downloaded.
    """
    LOCK.write_text(_HEAD + "".join(locked(jars) for jars in (KAFKA, connector())), "utf-8")


def locked(jar_set: JarSet) -> str:
    """The part of the lock for these jars, as they are served now."""
    sys.stderr.write(f"Downloading {jar_set.name} (about {jar_set.megabytes} MB) ...\n")
    with (
        tempfile.TemporaryDirectory(prefix="telco-churn-locks-") as scratch,
        downloaded(jar_set, Path(scratch) / jar_set.directory) as jars,
    ):
        rows = [
            f'"{coordinates}" = "{sha512(jars / file_name(coordinates))}"\n'
            for coordinates in sorted(resolved(jars.parent / "cache"))
            if (jars / file_name(coordinates)).exists()
        ]
    return f'\n["{jar_set.directory}"]\n{"".join(rows)}'


def resolved(cache: Path) -> set[str]:
    """Coordinates of the jars in a cache of Ivy: `group/artifact/jars/artifact-version.jar`."""
    return {
        f"{jar.parents[2].name}:{jar.parents[1].name}:"
        f"{jar.stem.removeprefix(jar.parents[1].name + '-')}"
        for jar in cache.glob("*/*/*/*.jar")
    }
