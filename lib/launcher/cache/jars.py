"""Jars from Maven Central, fetched once by Spark's own dependency resolver (Ivy) and kept."""

from __future__ import annotations

import contextlib
import os
import shlex
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from launcher.cache.directory import cache_directory
from launcher.cache.jar_lock import check_jars, locked_jars
from launcher.cache.trust_store import trust_options
from launcher.child import Child
from launcher.errors import LaunchError
from launcher.java import chosen_java, packaged_java
from launcher.spark import SPARK_HOME

_TIME_LIMIT_SECONDS = 900.0
_NOT_KEPT = "nothing was kept; ask whoever runs the proxy or mirror that it came by"


@dataclass(frozen=True)
class JarSet:
    """Jars that belong together.

    Attributes:
        name: What messages call it, with its version.
        directory: Name of its directory in the cache, with its version.
        packages: Maven coordinates, `group:artifact:version`.
        excluded: `group:artifact` of dependencies that are not needed.
        megabytes: About what has to be downloaded.
    """

    name: str
    directory: str
    packages: tuple[str, ...]
    excluded: tuple[str, ...]
    megabytes: int


def fetch(jar_set: JarSet, check: Callable[[], None] = lambda: None) -> Path:
    """The directory that holds the jars; downloads them when they are not in the cache yet.

    Args:
        jar_set: What to fetch.
        check: Called while a download runs; what it raises ends the download.

    Raises:
        LaunchError: if the jars are not cached and cannot be fetched, or are not those that
            `jars.lock` names.
    """
    jars = cache_directory() / jar_set.directory
    locked = locked_jars(jar_set.directory)
    if not jars.is_dir():
        sys.stderr.write(f"Downloading {jar_set.name} (about {jar_set.megabytes} MB, once) ...\n")
        with downloaded(jar_set, jars, check) as fresh:
            check_jars(fresh, locked, _NOT_KEPT)
            _move(fresh, jars)
    check_jars(jars, locked, f"remove {jars}, and the next start fetches them anew")
    return jars


@contextlib.contextmanager
def downloaded(
    jar_set: JarSet, jars: Path, check: Callable[[], None] = lambda: None
) -> Iterator[Path]:
    """A directory beside `jars` with what has just been downloaded, unchecked, to be renamed.

    Raises:
        LaunchError: it cannot be downloaded, or not be kept there.
    """
    try:
        jars.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="download-", dir=jars.parent) as ivy_home:
            _resolve(jar_set, Path(ivy_home), jars, check)
            yield Path(ivy_home) / "jars"
    except OSError as error:
        raise LaunchError(
            f"cannot keep {jar_set.name} in {jars.parent}: {error}; make room there, or set "
            "SANDBOX_CACHE to another directory"
        ) from error


def _move(source: Path, target: Path) -> None:
    try:
        source.rename(target)
    except OSError:
        # Another process may have been faster; what it fetched is the same.
        if not target.is_dir():
            raise


def _resolve(jar_set: JarSet, ivy_home: Path, jars: Path, check: Callable[[], None]) -> None:
    """Submits an empty application that asks for the packages."""
    application = ivy_home / "nothing.py"
    application.touch()
    command = [
        str(SPARK_HOME / "bin" / "spark-submit"),
        *("--master", "local[1]"),
        *("--packages", ",".join(jar_set.packages)),
        *("--exclude-packages", ",".join(jar_set.excluded)),
        *("--conf", f"spark.jars.ivy={ivy_home}"),
        application.as_uri(),
    ]
    resolver = Child("the download", command, ivy_home / "download.log", _environment(ivy_home))
    deadline = time.monotonic() + _TIME_LIMIT_SECONDS
    try:
        while resolver.exit_code is None and time.monotonic() < deadline:
            check()
            _show_progress(ivy_home / "cache", jar_set.megabytes)
            time.sleep(0.1)
    finally:
        exit_code = resolver.kill()
    if exit_code != 0:
        raise LaunchError(
            f"could not download {jar_set.name} from Maven Central ({resolver.complaint()}); "
            "go online once (behind a proxy: SPARK_SUBMIT_OPTS='-Dhttps.proxyHost=... "
            "-Dhttps.proxyPort=...'; where it looks into TLS, its authority in SSL_CERT_FILE), or "
            f"copy {jars} from a machine that has it"
        )


def _environment(ivy_home: Path) -> dict[str, str]:
    java = chosen_java()
    given = os.environ.get("SPARK_SUBMIT_OPTS", "")
    # A Java that somebody else has installed knows whom to trust here, or is told.
    is_told = java.program != packaged_java() or "javax.net.ssl.trustStore" in given
    trust = [] if is_told else trust_options(ivy_home / "trust.jks")
    return {
        **os.environ,
        "JAVA_HOME": str(java.home),
        "SPARK_SUBMIT_OPTS": f"{shlex.join(trust)} {given}".strip(),
        "SPARK_HOME": str(SPARK_HOME),
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_DRIVER_PYTHON": sys.executable,
    }


def _show_progress(cache: Path, megabytes: int) -> None:
    """On a terminal, how much is there of about so many megabytes."""
    if not sys.stderr.isatty():
        return
    # Ivy renames a file under our eyes when it is whole.
    with contextlib.suppress(OSError):
        there = sum(path.stat().st_size for path in cache.rglob("*.jar*"))
        sys.stderr.write(f"\r  {there / 1e6:.1f} of about {megabytes} MB\033[K\r")
        sys.stderr.flush()
