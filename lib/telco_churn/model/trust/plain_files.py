"""Reading files that anybody may have put there: no link, no pipe, no device, nothing endless."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Protocol

_NOT_PLAIN = "is no plain file (a link, a pipe or a device)"
# Not to block: a pipe without a writer would hold the job up for ever.
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Entry(Protocol):
    """An entry of a directory, as `os.scandir` gives it."""

    @property
    def name(self) -> str:
        """Its name."""

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:
        """Whether it is a directory itself."""


class NotPlainError(OSError):
    """What lies there is not what a model is made of; `strerror` says why."""

    def __init__(self, fault: str) -> None:
        super().__init__(errno.EINVAL, fault)


@dataclass(frozen=True)
class PlainDirectory:
    """A directory that is open; no link in it is followed."""

    number: int

    def entries(self) -> AbstractContextManager[Iterator[os.DirEntry[str]]]:
        """What lies in it, as it is read, for that may be more than anybody could sort."""
        return os.scandir(self.number)

    @contextmanager
    def within(self, name: str) -> Iterator[PlainDirectory]:
        """A directory in it; raises like `open_plain`."""
        number = _opened(name, self.number, _FLAGS | os.O_DIRECTORY)
        try:
            yield PlainDirectory(number)
        finally:
            os.close(number)

    @contextmanager
    def open(self, entry: os.DirEntry[str]) -> Iterator[tuple[Callable[[int], bytes], int]]:
        """What reads the next bytes of a file, and how many it says it has; like `open_plain`."""
        with open_plain(entry.name, self.number) as stream:
            yield stream.read, os.fstat(stream.fileno()).st_size


@contextmanager
def plain_directory(path: Path) -> Iterator[PlainDirectory]:
    """The directory at a path, which may be a link itself; raises OSError."""
    number = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield PlainDirectory(number)
    finally:
        os.close(number)


def open_plain(name: str | Path, within: int | None = None) -> BufferedReader:
    """Opens a file for reading; it follows no link and waits for nobody.

    Args:
        name: of the file.
        within: descriptor of the directory that it is in; None for the current one.

    Raises:
        NotPlainError: it is no file.
        OSError: it cannot be read.
    """
    number = _opened(name, within, _FLAGS)
    try:
        if not stat.S_ISREG(os.fstat(number).st_mode):
            raise NotPlainError(_NOT_PLAIN)
        return os.fdopen(number, "rb")
    except BaseException:
        # Already closed, if it was the last call that failed.
        with suppress(OSError):
            os.close(number)
        raise


def read_plain(path: Path, most: int) -> bytes:
    """The contents of a file of at most so many bytes.

    Raises:
        NotPlainError: it is larger, or no file.
        OSError: it cannot be read.
    """
    with open_plain(path) as stream:
        # What it says of its size may be wrong by the time that it is read.
        content = stream.read(most + 1)
    if len(content) > most:
        raise NotPlainError(f"is larger than {most:,} bytes")
    return content


def _opened(name: str | Path, within: int | None, flags: int) -> int:
    try:
        return os.open(name, flags, dir_fd=within)
    except OSError as error:
        # A link, and a socket.
        if error.errno in (errno.ELOOP, errno.ENXIO):
            raise NotPlainError(_NOT_PLAIN) from error
        raise
