"""`python -m sandbox.locks`: writes anew what says which jars may be fetched and run.

It trusts what it is given: look at the difference before it is committed.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from launcher.cache.connector import connector
from launcher.cache.jar_lock import LOCK, file_name, sha512
from launcher.cache.jars import JarSet, downloaded
from sandbox.kafka.kafka_jars import KAFKA
from telco_churn.errors import exit_with

_HEAD = """\
# The jars that are fetched beside the Python packages: for each directory of the cache, coordinates
# and SHA-512. A start uses these and no others. Written by `python -m sandbox.locks`.
"""


def main(arguments: Sequence[str]) -> None:
    """Downloads all jars, whatever the cache has, and writes `jars.lock`.

    Raises:
        LaunchError: something cannot be downloaded.
        SystemExit: there are arguments.
    """
    if arguments:
        raise SystemExit("usage: python -m sandbox.locks")
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
            for coordinates in sorted(_resolved(jars.parent / "cache"))
            if (jars / file_name(coordinates)).exists()
        ]
    return f'\n["{jar_set.directory}"]\n{"".join(rows)}'


def _resolved(cache: Path) -> set[str]:
    """Coordinates of the jars in a cache of Ivy: `group/artifact/jars/artifact-version.jar`."""
    return {
        f"{jar.parents[2].name}:{jar.parents[1].name}:"
        f"{jar.stem.removeprefix(jar.parents[1].name + '-')}"
        for jar in cache.glob("*/*/*/*.jar")
    }


if __name__ == "__main__":
    exit_with("sandbox.locks", main, sys.argv[1:])
