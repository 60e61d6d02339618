"""Log files that belong to one process, and never stop whoever writes to them."""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import select
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import IO, Any, cast

MAX_BYTES = 10_000_000
BACKUPS = 5
_MOST_PROCESSES = 100


class LostLines:
    """Counts lines that could not be written."""

    def __init__(self) -> None:
        self.count = 0

    def add(self) -> None:
        """Counts one more."""
        self.count += 1


class WholeLines(RotatingFileHandler):
    """A rotating file in which a line is whole or is not there at all."""

    def __init__(
        self, path: Path, lost: LostLines, max_bytes: int = MAX_BYTES, backups: int = BACKUPS
    ) -> None:
        """Opens the file.

        Args:
            path: of the file; its directory is made, for this user only.
            lost: counts the lines that cannot be written.
            max_bytes: beyond them, the file is renamed to `NAME.1`; 0 for never.
            backups: how many of those are kept.

        Raises:
            OSError: the file cannot be written.
        """
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lost = lost
        super().__init__(path, maxBytes=max_bytes, backupCount=backups)

    def emit(self, record: logging.LogRecord) -> None:
        """Writes the line; one that cannot be written is counted."""
        try:
            self._append((self.format(record) + "\n").encode())
        except Exception:
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:
        """Counts a lost line; a complaint for each would be a flood of its own."""
        self._lost.add()

    def _append(self, line: bytes) -> None:
        file = self._file()
        size = os.fstat(file.fileno()).st_size
        if self.maxBytes and size and size + len(line) > self.maxBytes:
            self.doRollover()
            file, size = self._file(), 0
        if file.write(line) < len(line):
            file.truncate(size)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _file(self) -> IO[bytes]:
        # Closed by a change of files that failed.
        if self.stream is None:
            self.stream = self._open()
        return cast("IO[bytes]", self.stream)

    def _open(self) -> Any:
        # Unbuffered: what does not fit on the disk is known at once, and can be taken back.
        return open(self.baseFilename, "ab", buffering=0, opener=_private)


class OwnFile(WholeLines):
    """That file, or the next free one beside it when another process writes to it.

    `job.log`, while it is taken `job-2.log`, and so on: the lock is the kernel's, and free again
    when its process is gone, however it ended.
    """

    def __init__(self, path: Path, lost: LostLines, max_bytes: int = MAX_BYTES) -> None:
        """Claims a file and opens it; see `WholeLines`."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        free, self._lock = _claim(path)
        super().__init__(free, lost, max_bytes)

    def close(self) -> None:
        """Ends the file and gives it free."""
        super().close()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


class QuietStream(logging.StreamHandler[Any]):
    """The console; lines that nobody takes are counted as lost, and never waited for.

    A pipe whose reader has stopped reading would otherwise hold up every thread that logs.
    """

    def __init__(self, stream: Any, lost: LostLines) -> None:
        super().__init__(stream)
        self._lost = lost

    def emit(self, record: logging.LogRecord) -> None:
        """Writes the line, if it can be written at once."""
        if self._has_room():
            super().emit(record)
        else:
            self._lost.add()

    def handleError(self, record: logging.LogRecord) -> None:
        """Counts a lost line."""
        self._lost.add()

    def _has_room(self) -> bool:
        try:
            # A pipe that is writable takes 4,096 bytes (PIPE_BUF), more than a line has.
            return bool(select.select([], [self.stream], [], 0)[1])
        except (OSError, ValueError):  # no file, such as what a test captures
            return True


def run_file(directory: Path, name: str, lost: LostLines) -> WholeLines:
    """A file for one run, which grows without being renamed.

    Raises:
        OSError: it cannot be written.
    """
    path = directory / f"{name}.log"
    if path.exists():
        path = path.with_stem(f"{name}_{os.getpid()}")
    return WholeLines(path, lost, max_bytes=0)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _claim(path: Path) -> tuple[Path, int]:
    """A file that no other process writes to, and the lock that says so."""
    for number in range(1, _MOST_PROCESSES):
        free = path if number == 1 else path.with_stem(f"{path.stem}-{number}")
        lock = os.open(free.with_name(f".{free.name}.lock"), os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return free, lock
        except BlockingIOError:
            os.close(lock)
    raise OSError(errno.EBUSY, f"{_MOST_PROCESSES} processes write there")
