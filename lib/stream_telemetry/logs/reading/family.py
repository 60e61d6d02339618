"""All files of one log: the one that is written, and those it was renamed to, packed or not."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, cast

from stream_telemetry.logs.reading.entry import Entry, read_entry

Tell = Callable[[str], None]
"""Is given a sentence about what was passed over."""

_LOOKED_AT = 20
"""So many lines of a file at most are read to learn when it begins."""
_LISTINGS = 5
_MAGIC = b"\x1f\x8b"


class Family:
    """The files of a log, by the path of the one that is written.

    `NAME.log.1`, `NAME.log.2.gz`, `NAME.log-20261128.gz`: whatever begins with the name belongs to
    it. What a file is called does not say how old it is; its first line does.
    """

    def __init__(self, path: Path, tell: Tell) -> None:
        """Opens nothing yet.

        Args:
            path: of the file that is written.
            tell: gets a sentence about each file, and each first line of one, that is not read.
        """
        self.path = path
        self._tell = tell
        self._unread: set[str] = set()

    def entries(self) -> Iterator[Entry]:
        """All lines, oldest file first."""
        with ExitStack() as stack:
            for name, file in self.open(stack):
                yield from self.read(name, file)

    def open(self, stack: ExitStack) -> list[tuple[str, BinaryIO]]:
        """The files by name, open and at their beginnings, the oldest first.

        Args:
            stack: closes them.
        """
        found: dict[tuple[int, int], tuple[str, BinaryIO]] = {}
        # A file that is renamed between listing and opening would be missed, or read twice: it is
        # known by its inode, and looked for until nothing new turns up.
        for _ in range(_LISTINGS):
            known = len(found)
            for path in self._paths():
                self._open(path, found, stack)
            if len(found) == known:
                break
        begun = [(self._begin(file), name, file) for name, file in found.values()]
        # The one that is written is the newest, though it may be empty. Those of which nobody
        # knows when they begin come before, by their numbers.
        return [
            (name, file)
            for _, name, file in sorted(
                begun, key=lambda one: (one[1] == self.path.name, one[0], _age_by_name(one[1]))
            )
        ]

    def read(self, name: str, file: BinaryIO) -> Iterator[Entry]:
        """The lines from here to the end of a file; tells how many of them are none."""
        broken = number = 0
        try:
            for line in file:
                number += 1
                if (entry := read_entry(line)) is not None:
                    yield entry
                elif line.strip():
                    broken += 1
        except (OSError, EOFError, zlib.error) as error:
            self._tell(f"{name} is damaged behind its line {number}: {error}")
        if broken:
            what = "1 line is" if broken == 1 else f"{broken} lines are"
            self._tell(f"{name}: {what} no JSON object, passed over")

    def _paths(self) -> list[Path]:
        older = self.path.parent.glob(f"{_literal(self.path.name)}[.-]*")
        return [path for path in (self.path, *older) if path.is_file()]

    def _open(
        self, path: Path, found: dict[tuple[int, int], tuple[str, BinaryIO]], stack: ExitStack
    ) -> None:
        try:
            file = stack.enter_context(path.open("rb"))
            is_packed = file.read(len(_MAGIC)) == _MAGIC
            file.seek(0)
        except FileNotFoundError:
            return
        except OSError as error:
            if path.name not in self._unread:
                self._tell(f"{path.name} cannot be read: {error.strerror}")
            self._unread.add(path.name)
            return
        status = os.fstat(file.fileno())
        opened = cast(BinaryIO, gzip.GzipFile(fileobj=file)) if is_packed else file
        found.setdefault((status.st_dev, status.st_ino), (path.name, opened))

    def _begin(self, file: BinaryIO) -> str:
        """The timestamp of the first line that has one; empty when none has."""
        begin = ""
        try:
            for _, line in zip(range(_LOOKED_AT), file, strict=False):
                if (entry := read_entry(line)) and entry.timestamp:
                    begin = entry.timestamp
                    break
        except (OSError, EOFError, zlib.error):
            # Told when it is read.
            pass
        file.seek(0)
        return begin


def _literal(name: str) -> str:
    """A name in which no character is a pattern to `glob`."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)


def _age_by_name(name: str) -> tuple[int, str]:
    """Orders names: a higher number is older, a later date is younger."""
    number = name.removesuffix(".gz").rpartition(".")[2]
    return (-int(number), name) if number.isdigit() and len(number) < 5 else (0, name)
