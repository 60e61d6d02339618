"""Archives of loaded classes: a JVM that is given one starts in half the time.

Java 25 calls it an AOT cache; for 17 and 21 it is a dynamic CDS archive. It fits the Java, the jars
and the flags that it was recorded with and no others, so its name is made of them.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from zipfile import ZipFile, ZipInfo

from launcher.cache.directory import cache_directory
from launcher.errors import LaunchError
from launcher.java import Java

VARIABLE = "CHURN_STREAM_CLASS_ARCHIVE"
"""Environment variable that holds a `Mode`."""
RECORDED_EVENTS = 20_000
"""Events that pass while an archive is recorded: enough that the code on their way is hot."""
_MANNER = f"both compilers, {RECORDED_EVENTS:,} events"
"""How archives are recorded; those that were recorded otherwise are passed over."""
_KEPT_OF_A_KIND = 3
_KEPT_SECONDS = 30 * 24 * 3600.0
# No other flag affects an archive: sizes, compilers, collectors that can take over each other's
# objects, properties, logs.
_SHAPING = re.compile(
    r"-XX:[+-]Use(?!Serial|Parallel|G1)\w*(GC|Oops|Headers|Pointers)\b|-XX:ObjectAl|--"
)


class Mode(StrEnum):
    """What may be done with archives; `ON` unless the environment says another one."""

    ON = "on"
    """Use them, and have the missing ones made when the run has ended."""
    USE = "use"
    """Use those that are there."""
    OFF = "off"
    RECORD = "record"
    """Record those that are missing; for `launcher.cache.training_run`, as it slows a run down."""


def mode_of(environment: Mapping[str, str]) -> Mode:
    """The mode that the environment asks for.

    Raises:
        LaunchError: it names no mode.
    """
    given = environment.get(VARIABLE) or Mode.ON
    try:
        return Mode(given)
    except ValueError:
        raise LaunchError(f"{VARIABLE} is {given!r}; set it to on, use or off") from None


@dataclass(frozen=True)
class ClassArchive:
    """The archive for one kind of JVM, made or not.

    Attributes:
        stem: Path of its files, without their suffixes.
    """

    stem: Path

    @property
    def file(self) -> Path:
        """The archive itself."""
        return self.stem.with_suffix(".archive")

    @property
    def recording(self) -> Path:
        """Where a JVM records it, until it is known to be whole."""
        return self.stem.with_suffix(".new")

    @property
    def jar(self) -> Path:
        """The jar that stands for a whole class path, where one is needed; see `write_jar`."""
        return self.stem.with_suffix(".jar")

    @property
    def is_made(self) -> bool:
        """Whether it is there, and has not been touched since it was made.

        A JVM notices some kinds of damage and crashes on others: Java 17 on an archive that is cut
        off, 25 on a few wrong bytes at its beginning.
        """
        try:
            return self._seal.read_text("ascii") == _seal(self.file)
        except (OSError, ValueError):
            return False

    def use(self, java: Java) -> list[str]:
        """Options for the JVM that is to use it; notes that it is in use."""
        # Where the cache cannot be written to, nobody removes what is old either.
        with contextlib.suppress(OSError):
            os.utime(self._seal)
        # A JVM writes its messages about an archive to standard output.
        if _has_aot(java):
            return [f"-XX:AOTCache={self.file}", "-Xlog:aot*=off", "-Xlog:cds*=off"]
        return [f"-XX:SharedArchiveFile={self.file}", "-Xshare:auto", "-Xlog:cds*=off"]

    def record(self, java: Java) -> list[str]:
        """Options for the JVM that is to record it; it then takes half a minute longer to end."""
        self.stem.parent.mkdir(parents=True, exist_ok=True)
        option = "-XX:AOTCacheOutput" if _has_aot(java) else "-XX:ArchiveClassesAtExit"
        return [f"{option}={self.recording}"]

    def keep(self) -> None:
        """Puts what was recorded in its place, in one step, and seals it.

        Raises:
            OSError: nothing was recorded, or it cannot be kept.
        """
        # After a power failure a file may have its length and not its contents.
        with self.recording.open("rb") as file:
            os.fsync(file)
        self.recording.replace(self.file)
        sealed = self.stem.with_suffix(".seal-new")
        sealed.write_text(_seal(self.file), "ascii")
        sealed.replace(self._seal)

    @property
    def _seal(self) -> Path:
        return self.stem.with_suffix(".seal")


def archive_for(kind: str, java: Java, jars: Sequence[Path], flags: Iterable[str]) -> ClassArchive:
    """The archive for a JVM of this kind.

    Args:
        kind: A word for its name, such as `job`.
        java: The Java that runs.
        jars: Its class path; directories that come after it do not matter.
        flags: The JVM's options; what an archive does not depend on is left out.

    Raises:
        OSError: a jar is not there.
    """
    facts = [_MANNER, java.version, *_identities(_parts(java)), *_identities(jars), *shaping(flags)]
    key = hashlib.sha256("\n".join(facts).encode()).hexdigest()[:16]
    return ClassArchive(directory() / f"{kind}-{key}")


def shaping(flags: Iterable[str]) -> list[str]:
    """Those of a JVM's flags that an archive depends on, in their order."""
    return [flag for flag in flags if _SHAPING.match(flag)]


def directory() -> Path:
    """The directory of the archives."""
    return cache_directory() / "classes"


def write_jar(path: Path, jars: Sequence[Path]) -> None:
    """Writes a jar that holds nothing but the names of others, and puts them on the class path.

    Spark appends directories of settings to every class path, and its jars by a `*`, in the disk's
    own order. Behind this jar neither matters to an archive.
    """
    names = " ".join(os.path.relpath(jar, path.parent) for jar in jars)
    line = f"Class-Path: {names}"
    # The specification of jars: at most 72 bytes to a line, a blank before what continues it.
    lines = [line[:70], *(f" {line[at : at + 69]}" for at in range(70, len(line), 69))]
    new = path.with_suffix(".jar-new")
    with ZipFile(new, "w") as jar:
        text = "".join(f"{part}\r\n" for part in ("Manifest-Version: 1.0", *lines, ""))
        jar.writestr(ZipInfo("META-INF/MANIFEST.MF"), text)
    new.replace(path)


def remove_old() -> None:
    """Removes archives not used for a month, and all but three of a kind, those used last."""
    places: dict[str, int] = {}
    for age, stem in sorted(_ages()):
        kind = stem.name.partition("-")[0]
        places[kind] = places.get(kind, 0) + 1
        if age > _KEPT_SECONDS or places[kind] > _KEPT_OF_A_KIND:
            for file in stem.parent.glob(f"{stem.name}.*"):
                file.unlink(missing_ok=True)


def _ages() -> list[tuple[float, Path]]:
    """Seconds since each archive, or what is left of one, was made or used last."""
    times: dict[Path, float] = {}
    for file in directory().glob("*-*.*"):
        stem = file.with_suffix("")
        times[stem] = max(times.get(stem, 0.0), file.stat().st_mtime)
    now = time.time()
    return [(now - used, stem) for stem, used in times.items()]


def _has_aot(java: Java) -> bool:
    return int(java.version.partition(".")[0]) >= 25


def _parts(java: Java) -> list[Path]:
    home = java.program.resolve().parent.parent / "lib"
    found = [java.program, home / "modules", home / "server" / "libjvm.so"]
    return [path for path in found if path.exists()]


def _identities(paths: Iterable[Path]) -> list[str]:
    # Whole seconds, as the JVM compares them too: the layers of an image keep no more.
    return [f"{path} {(s := path.stat()).st_size} {int(s.st_mtime)}" for path in paths]


def _seal(path: Path) -> str:
    found = path.stat()
    return f"{found.st_size} {int(found.st_mtime)}\n"
