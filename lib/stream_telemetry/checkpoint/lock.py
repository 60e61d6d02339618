"""Keeps a second driver off a checkpoint."""

from __future__ import annotations

import fcntl
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from stream_telemetry.checkpoint.files import CheckpointFileError, CheckpointFiles
from stream_telemetry.checkpoint.lease import Lease, LeaseTakenError

LOCK = "driver.lock"
"""Locked by the driver that runs on the checkpoint; the kernel releases it however it ends."""

_EXCLUSIVE = frozenset(("file", "hdfs", "viewfs", "webhdfs", "swebhdfs", "abfs", "abfss", "gs"))
"""File systems where, of several who create the same file at once, only one can."""

log = logging.getLogger(__name__)


class LockedError(Exception):
    """The checkpoint cannot be locked, because of another driver or its file system; one line."""


@contextmanager
def locked(files: CheckpointFiles, on_loss: Callable[[str], None]) -> Iterator[None]:
    """Keeps other drivers off the checkpoint, by the kernel's lock or, without one, by a lease.

    Args:
        files: of the checkpoint, whose directory is there.
        on_loss: called, from another thread, if another driver has the checkpoint nevertheless.

    Raises:
        LockedError: another driver is on it, or it cannot be written.
    """
    try:
        directory = files.local()
        file = _kernel_lock(directory) if directory else None
        lease = None if file else _lease(files, on_loss)
    except (CheckpointFileError, OSError) as error:
        raise LockedError(
            f"checkpoint {files.location} cannot be locked ({error}); "
            "set --checkpoint to a directory that this user may write"
        ) from error
    try:
        yield
    finally:
        if file:
            # Never deleted: two drivers could then lock two files of the same name.
            file.close()
        if lease:
            lease.release()


def _kernel_lock(checkpoint: Path) -> TextIO | None:
    """The locked file; None if this file system has no locks."""
    # Not "w", which would wipe the holder's process id before the lock is ours.
    file = (checkpoint / LOCK).open("a+", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.seek(0)
        holder = f"process {file.read().strip() or '?'}"
        file.close()
        raise _in_use(str(checkpoint), holder) from error
    except OSError as error:
        file.close()
        log.warning(
            "checkpoint %s is on a file system without locks (%s): a lease in it keeps other "
            "drivers off, and after a crash a start on another machine waits for it to run out",
            *(checkpoint, error.strerror),
        )
        return None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


def _lease(files: CheckpointFiles, on_loss: Callable[[str], None]) -> Lease:
    if files.scheme not in _EXCLUSIVE:
        log.warning(
            "checkpoint %s: two drivers that start there in the same second may not see each "
            "other (%s promises no exclusive files); see to it that only one is started",
            *(files.location, files.scheme),
        )
    lease = Lease(files, on_loss)
    try:
        lease.take()
    except LeaseTakenError as error:
        raise _in_use(files.location, str(error)) from error
    return lease


def _in_use(checkpoint: str, holder: str) -> LockedError:
    return LockedError(
        f"checkpoint {checkpoint} is in use by {holder}; two drivers would write everything "
        "twice: stop that one, or set another --checkpoint"
    )
