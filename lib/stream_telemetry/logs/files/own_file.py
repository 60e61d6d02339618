"""A log file for each of the processes that write to one directory."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

from stream_telemetry.logs.files.whole_lines import (
    MAX_BYTES,
    OWNER_ONLY,
    LostLines,
    WholeLines,
    is_at,
)

_MOST_PROCESSES = 100


class OwnFile(WholeLines):
    """That file, or the next free one beside it when another process writes to it.

    `job.log`, while it is taken `job-2.log`, and so on: the lock is the kernel's, and free again
    when its process is gone, however it ended. Where there are no locks, the file is taken as free.
    """

    def __init__(
        self, path: Path, lost: LostLines, *, mode: int = OWNER_ONLY, max_bytes: int = MAX_BYTES
    ) -> None:
        """Claims a file and opens it; see `WholeLines`."""
        self._wanted = path
        self._lock: int | None = None
        super().__init__(path, lost, mode=mode, max_bytes=max_bytes)

    def close(self) -> None:
        """Closes the file and releases it."""
        super().close()
        self._release()

    def _opened(self) -> int:
        # When the directory was removed, the lock file went with it.
        if self._lock is None or not is_at(_lock_of(self.path), self._lock):
            self._release()
            self.path, self._lock = claim(self._wanted)
        return super()._opened()

    def _release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _lock_of(path: Path) -> Path:
    return path.with_name(f".{path.name}.lock")


def claim(path: Path) -> tuple[Path, int | None]:
    """A file that no other process writes to: this one, or the next beside it that is free.

    Returns:
        Its path, and the lock that says so as long as any process has it open; None where there
        are no locks.

    Raises:
        OSError: a hundred processes write there.
    """
    for number in range(1, _MOST_PROCESSES):
        free = path if number == 1 else path.with_stem(f"{path.stem}-{number}")
        try:
            lock = os.open(_lock_of(free), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError:  # the directory is not ours, but the file may be
            return free, None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(lock)
            if not isinstance(error, BlockingIOError):  # this file system has no locks
                return free, None
        else:
            return free, lock
    raise OSError(errno.EBUSY, f"{_MOST_PROCESSES} processes write there")
