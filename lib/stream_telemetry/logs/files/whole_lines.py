"""A log file that never blocks who writes to it, and counts every line that it loses."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import shutil
import stat
import time
from pathlib import Path

from stream_telemetry.logs.rate_limit import News

MAX_BYTES = 10_000_000
BACKUPS = 5
OWNER_ONLY = 0o600
"""Mode of a file that nobody else reads."""
RETRY_SECONDS = 5.0
"""How long a file that cannot be opened is left alone."""
_ROTATE_AGAIN_SECONDS = 60.0
_TELL_AGAIN_SECONDS = 3600.0

log = logging.getLogger("stream_telemetry.logs")


class LostLines:
    """Counts lines that could not be written."""

    def __init__(self) -> None:
        self.count = 0

    def add(self) -> None:
        """Counts one more."""
        self.count += 1


class WholeLines(logging.Handler):
    """A rotating file in which a line is whole or is not there at all.

    A line goes to the file at the path, even if the one before was renamed or removed, with its
    directory too. A line that cannot be written is counted as lost; the file
    is tried again. What is wrong is told once an hour, to all handlers.
    """

    def __init__(
        self,
        path: Path,
        lost: LostLines,
        *,
        setting: str = "--log-dir",
        mode: int = OWNER_ONLY,
        max_bytes: int = MAX_BYTES,
        backups: int = BACKUPS,
    ) -> None:
        """Opens the file, or leaves that to the lines to come.

        Args:
            path: of the file; its directory is made where there is none.
            lost: counts the lines that cannot be written.
            setting: what users call the setting of its directory.
            mode: of the files; readers of the group are those of the directory's group.
            max_bytes: beyond them, the file is renamed to `NAME.1`, or copied there and emptied
                where that is refused; 0 for never.
            backups: how many of those are kept.
        """
        super().__init__()
        self.path = path
        self._lost = lost
        self._setting = setting
        self._mode = mode
        self._max_bytes = max_bytes
        self._backups = backups
        self._file: int | None = None
        self._next_try = self._next_rotation = 0.0
        self._why = OSError()
        self._news = News(_TELL_AGAIN_SECONDS)
        self._untold: list[str] = []
        with contextlib.suppress(OSError):
            self._open()

    def handle(self, record: logging.LogRecord) -> bool:
        """Writes the line, then tells what went wrong."""
        is_written = super().handle(record)
        self.tell()
        return is_written

    def tell(self) -> None:
        """Tells what went wrong, as a line like others; call it without this handler's lock."""
        while self._untold:
            log.warning("%s", self._untold.pop())

    def emit(self, record: logging.LogRecord) -> None:
        """Writes the line; one that cannot be written is counted."""
        try:
            self._append((self.format(record) + "\n").encode())
        except Exception:
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:
        """Counts a lost line; a complaint for each would be a flood of its own."""
        self._lost.add()

    def close(self) -> None:
        """Ends the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
        super().close()

    def _append(self, line: bytes) -> None:
        file = self._open()
        size = os.fstat(file).st_size
        # A line longer than the limit gets a file of its own.
        if self._max_bytes and size and size + len(line) > self._max_bytes:
            self._rotate(file)
            file = self._open()
            size = os.fstat(file).st_size
        try:
            # What does not fit on the disk is known at once, and can be taken back.
            if os.write(file, line) < len(line):
                os.ftruncate(file, size)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            self._note(f"{self.path} cannot be written ({error.strerror}): its lines are lost")
            raise

    def _open(self) -> int:
        """The file at the path, opened again if it was replaced."""
        if self._file is not None and not is_at(self.path, self._file):
            os.close(self._file)
            self._file = None
        if self._file is None:
            if time.monotonic() < self._next_try:
                raise self._why
            try:
                # Whoever may read the file must be able to enter its directory.
                readers = 0o050 if self._mode & 0o040 else 0
                self.path.parent.mkdir(mode=0o700 | readers, parents=True, exist_ok=True)
                self._file = self._opened()
            except OSError as error:
                self._next_try, self._why = time.monotonic() + RETRY_SECONDS, error
                self._note(
                    f"no log file: {self.path} cannot be opened ({error.strerror}), its lines are "
                    f"lost; mend that, or set {self._setting}"
                )
                raise
        return self._file

    def _opened(self) -> int:
        return _opened(self.path, self._mode)

    def _rotate(self, file: int) -> None:
        if time.monotonic() < self._next_rotation:
            return
        first = self._backup(1)
        try:
            self._make_room()
            try:
                self.path.rename(first)
            except OSError as error:
                # A mount point, say.
                _copy(self.path, first, self._mode)
                os.ftruncate(file, 0)
                self._note(
                    f"{self.path} cannot be renamed ({error.strerror}): it is copied instead"
                )
        except OSError as error:
            self._next_rotation = time.monotonic() + _ROTATE_AGAIN_SECONDS
            # `stream_log_errors_total` counts failed rotations too.
            self._lost.add()
            self._note(f"{self.path} cannot be rotated ({error.strerror}): it grows on")

    def _make_room(self) -> None:
        if not self._backup(1).exists():
            return
        for number in range(self._backups - 1, 0, -1):
            if (backup := self._backup(number)).exists():
                backup.replace(self._backup(number + 1))

    def _backup(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}")

    def _note(self, trouble: str) -> None:
        if self._news.is_news(trouble):
            # Told later: here this handler's lock is held, and telling writes to all handlers.
            self._untold.append(trouble)


def _opened(path: Path, mode: int, flags: int = os.O_APPEND) -> int:
    # Without O_NONBLOCK, opening a pipe at this path would block.
    kinds = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
    file = os.open(path, kinds | flags, mode)
    status = os.fstat(file)
    if stat.S_ISREG(status.st_mode):
        with contextlib.suppress(OSError):
            group = path.parent.stat().st_gid
            # Only a member of the group may give a file to it; otherwise the file keeps its group.
            if mode & 0o040 and status.st_gid != group:
                os.fchown(file, -1, group)
        with contextlib.suppress(OSError):
            if stat.S_IMODE(status.st_mode) != mode:
                os.fchmod(file, mode)
    return file


def is_at(path: Path, file: int) -> bool:
    """Whether the open file is the one at the path."""
    try:
        return os.path.samestat(path.stat(), os.fstat(file))
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:  # the path cannot be checked: stay with the open file
        return True


def _copy(source: Path, target: Path, mode: int) -> None:
    try:
        with source.open("rb") as old, open(_opened(target, mode, os.O_TRUNC), "wb") as new:
            shutil.copyfileobj(old, new)
    except OSError:
        target.unlink(missing_ok=True)
        raise
