"""Which jars may be fetched and run: `jars.lock`, by coordinates and SHA-512."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from launcher.errors import LaunchError

LOCK = Path(__file__).with_name("jars.lock")
"""TOML: a table for each directory of the cache, with a SHA-512 in hex for each coordinates."""
_SHOWN_DIGITS = 12


def locked_jars(directory: str, lock: Path | None = None) -> dict[str, str]:
    """The SHA-512 of each jar that the directory holds, by its file's name.

    Args:
        directory: Its name in the cache, such as `kafka-4.3.1`.
        lock: The file to read; `LOCK` if not given.

    Raises:
        LaunchError: the lock cannot be read, or does not know the directory.
    """
    lock = lock or LOCK
    try:
        known = tomllib.loads(lock.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise LaunchError(f"{lock} cannot be read ({error}); restore it by git checkout") from error
    jars = known.get(directory)
    if not isinstance(jars, dict):
        raise LaunchError(
            f"{lock} names no jars for {directory}, so none are fetched; where that version is "
            "meant, python -m sandbox.locks adds them"
        )
    return {file_name(coordinates): str(digest) for coordinates, digest in jars.items()}


def file_name(coordinates: str) -> str:
    """What Spark's resolver calls the file of `group:artifact:version`."""
    group, _, rest = coordinates.partition(":")
    return f"{group}_{rest.replace(':', '-')}.jar"


def check_jars(jars: Path, locked: Mapping[str, str], remedy: str) -> None:
    """Returns if the directory holds the locked jars, unchanged, and no others.

    Args:
        jars: The directory; files that are no jars do not count.
        locked: What `locked_jars` says of it.
        remedy: What to do if not, the end of the message.

    Raises:
        LaunchError: it does not; names the first jar that is wrong.
    """
    try:
        wrong = next(_differences(jars, locked), None)
    except OSError as error:
        raise LaunchError(f"a jar cannot be read ({error}); {remedy}") from error
    if wrong:
        raise LaunchError(f"{wrong}; {remedy}")


def sha512(path: Path) -> str:
    """The file's SHA-512, in hex.

    Raises:
        OSError: it cannot be read.
    """
    found = path.stat()
    return _sha512(path, found.st_size, found.st_ctime_ns)


def _differences(jars: Path, locked: Mapping[str, str]) -> Iterator[str]:
    found = {path.name: path for path in sorted(jars.glob("*.jar"))}
    for name in sorted(found.keys() - locked.keys()):
        yield f"{found[name]} is not among the jars that {LOCK.name} names"
    for name in sorted(locked.keys() - found.keys()):
        yield f"{jars / name} is not there, but {LOCK.name} names it"
    for name, path in found.items():
        if (digest := sha512(path)) != locked[name]:
            yield (
                f"{path} is not the jar that {LOCK.name} names: its SHA-512 is "
                f"{digest[:_SHOWN_DIGITS]}…, not {locked[name][:_SHOWN_DIGITS]}…"
            )


# A start asks for the same jars several times.
@cache
def _sha512(path: Path, size: int, changed: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha512").hexdigest()
