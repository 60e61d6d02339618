"""A `JAVA_HOME` of our own, whose `bin/java` leaves out what only Spark's launcher asks for.

Spark starts its JVM with `--add-modules=jdk.incubator.vector`, which smaller runtimes do not have:
they refuse to start. Without the module its linear algebra runs on plain loops, to the same last
digit on every Java; nothing here needs more.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import tempfile
from pathlib import Path

from launcher.cache.directory import cache_directory, private_directory
from launcher.errors import LaunchError

_SCRIPT = """\
#!/bin/sh
# Hands everything over to the Java below but what it may not have, or would only warn of.
held=
for word do
    shift
    case $held$word in
        --add-modules) held='--add-modules ' && continue ;;
        --add-modules[=\\ ]jdk.incubator.vector) held= && continue ;;{left_out}
    esac
    set -- "$@" ${{held:+--add-modules}} "$word"
    held=
done
# Whom spark-submit starts next, it takes from here.
JAVA_HOME={home}
export JAVA_HOME
exec {program} "$@"
"""
# The package is gone since Java 24; Spark opens it all the same, and the JVM warns of that.
_SINCE_24 = "\n        --add-opens=java.base/sun.security.action=ALL-UNNAMED) continue ;;"


def make_java_home(program: Path, version: str) -> Path:
    """A directory for `JAVA_HOME` that stands for this `java`.

    It is made in the cache, or, where that can only be read or runs nothing, among the temporary
    files.

    Raises:
        LaunchError: it cannot be made, or nothing can be run from there.
    """
    key = hashlib.sha256(os.fsencode(program)).hexdigest()[:12]
    try:
        return _made(cache_directory() / "java" / f"{version}-{key}", program, version)
    except LaunchError as refused:
        try:
            return _made(private_directory() / "java" / f"{version}-{key}", program, version)
        except LaunchError:
            raise refused from None


def _made(home: Path, program: Path, version: str) -> Path:
    script = home / "bin" / "java"
    try:
        _write(home / "release", f"JAVA_VERSION={version}\nPROGRAM={program}\n")
        _write(script, java_script(home, program, version))
    except OSError as error:
        raise LaunchError(
            f"cannot write {script}: {error}; set SANDBOX_CACHE to another directory"
        ) from error
    if not os.access(script, os.X_OK):
        raise LaunchError(
            f"nothing can be run from {home} (is it mounted noexec?); set SANDBOX_CACHE to "
            "another directory"
        )
    return home


def java_script(home: Path, program: Path, version: str) -> str:
    """The text of the `bin/java` in `home` that stands for `program`."""
    left_out = _SINCE_24 if int(version.partition(".")[0]) >= 24 else ""
    return _SCRIPT.format(
        home=shlex.quote(str(home)), program=shlex.quote(str(program)), left_out=left_out
    )


def made_for(home: Path) -> tuple[str, Path] | None:
    """Version and program that a home made here stands for; None for any other home."""
    if home.parent not in (cache_directory() / "java", private_directory() / "java"):
        return None
    text = (home / "release").read_text("utf-8")
    values = dict(line.split("=", 1) for line in text.splitlines())
    return values["JAVA_VERSION"], Path(values["PROGRAM"])


def _write(path: Path, text: str) -> None:
    """Writes an executable file, in one step, because others may start at the same time."""
    if path.exists() and path.read_text("utf-8") == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, delete=False) as file:
        file.write(text)
    os.chmod(file.name, 0o755)
    os.replace(file.name, path)
