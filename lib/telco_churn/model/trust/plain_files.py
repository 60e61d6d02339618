"""Reading files that anybody may have put there: no link, no pipe, no device, nothing endless."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from io import BufferedReader
from pathlib import Path

_NOT_PLAIN = "is no plain file (a link, a pipe or a device)"
# Not to block: a pipe without a writer would hold the job up for ever.
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class NotPlainError(OSError):
    """What lies there is not what a model is made of; `strerror` says why."""

    def __init__(self, fault: str) -> None:
        super().__init__(errno.EINVAL, fault)


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


def open_directory(name: str | Path, within: int) -> int:
    """The descriptor of a directory that is no link; raises like `open_plain`."""
    return _opened(name, within, _FLAGS | os.O_DIRECTORY)


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
