"""A log as it grows, also over changes of its file."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import BinaryIO

from stream_telemetry.logs.files.whole_lines import is_at
from stream_telemetry.logs.reading.entry import Entry, read_entry
from stream_telemetry.logs.reading.family import Family, Tell

POLL_SECONDS = 0.25


class Follower:
    """Reads on where the files end; a line is read when it is whole."""

    def __init__(self, family: Family, tell: Tell) -> None:
        """Opens nothing yet.

        Args:
            family: the log.
            tell: gets a sentence about each line that is passed over.
        """
        self._family = family
        self._tell = tell
        self._file: BinaryIO | None = None
        self._half = b""

    def past(self) -> Iterator[Entry]:
        """All lines that are there by now; `new` goes on behind them."""
        with ExitStack() as stack:
            for name, file in self._family.open(stack):
                if name == self._family.path.name:
                    self._adopt(file)
                else:
                    yield from self._family.read(name, file)
        yield from self.new()

    def new(self) -> Iterator[Entry]:
        """The lines that have come since; of files too that came and were renamed meanwhile."""
        while True:
            if self._file is not None:
                # Looked at before reading: what was written before the change is read by then.
                is_renamed = not is_at(self._family.path, self._file.fileno())
                yield from self._grown(self._file)
                if not is_renamed:
                    return
            with ExitStack() as stack:
                files = self._family.open(stack)
                # Between two files; the next look may find the new one.
                if not files or files[-1][0] != self._family.path.name:
                    return
                *older, (_, current) = files
                for name, file in older[self._place(older) :]:
                    yield from self._family.read(name, file)
                self._adopt(current)

    def close(self) -> None:
        """Gives the file back."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _place(self, files: list[tuple[str, BinaryIO]]) -> int:
        """How many of the files were read: those up to the one that was followed."""
        if self._file is not None:
            # As long as it is open, no other file has its inode.
            ended = os.fstat(self._file.fileno()).st_ino
            for place, (_, file) in enumerate(files):
                if os.fstat(file.fileno()).st_ino == ended:
                    return place + 1
        return len(files)

    def _adopt(self, file: BinaryIO) -> None:
        """Follows this file from its beginning."""
        self.close()
        if self._half.strip():
            self._tell(f"{self._family.path.name}: its last line was never finished, passed over")
        self._half = b""
        # Not opened again by its name, which may mean another file by now.
        self._file = os.fdopen(os.dup(file.fileno()), "rb")
        self._file.seek(0)

    def _grown(self, file: BinaryIO) -> Iterator[Entry]:
        if os.fstat(file.fileno()).st_size < file.tell():
            # Copied and emptied.
            file.seek(0)
            self._half = b""
        while line := file.readline():
            line = self._half + line
            if not line.endswith(b"\n"):
                self._half = line
                return
            self._half = b""
            if (entry := read_entry(line)) is not None:
                yield entry
            elif line.strip():
                self._tell(f"{self._family.path.name}: a line is no JSON object, passed over")


def follow(
    followers: list[Follower], sleep: Callable[[float], None] = time.sleep
) -> Iterator[Entry]:
    """The new lines of several logs, for ever.

    Args:
        followers: each has read its past.
        sleep: waits between two looks.
    """
    while True:
        for follower in followers:
            yield from follower.new()
        sleep(POLL_SECONDS)
