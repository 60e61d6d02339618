"""Finds out whether Spark could go on with a checkpoint, and how one that is damaged is mended."""

from __future__ import annotations

import json
from collections.abc import Callable

from stream_telemetry.batch.progress import Positions
from stream_telemetry.checkpoint.files import CheckpointFiles, DamagedFileError
from stream_telemetry.checkpoint.logs import (
    COMMITS,
    OFFSETS,
    UnknownFormatError,
    batches_in,
    check_commit,
    committed_positions,
    offsets_json,
    read_plan,
)

METADATA = "metadata"


class DamagedCheckpointError(Exception):
    """A file that Spark will read is missing, damaged or unknown; one line, with the repair."""


def query_id(files: CheckpointFiles) -> str | None:
    """Spark's id of the query that the checkpoint belongs to; None without a readable one.

    Raises:
        CheckpointFileError: it cannot be read.
    """
    try:
        return str(json.loads(files.read(METADATA) or "")["id"])
    except (ValueError, KeyError, TypeError, DamagedFileError):
        return None


def check_logs(files: CheckpointFiles) -> None:
    """Reads what Spark will read first.

    Raises:
        DamagedCheckpointError: it cannot go on with it.
        CheckpointFileError: it cannot be read.
    """
    planned, done = batches_in(files, OFFSETS), batches_in(files, COMMITS)
    if not planned:
        return
    if query_id(files) is None:
        raise DamagedCheckpointError(
            f"the file metadata is missing or unreadable; put it back, or {_begin_another(files)}"
        )
    newest = planned[-1]
    for log, batches, check in ((OFFSETS, planned, read_plan), (COMMITS, done, check_commit)):
        if batches and not _is_whole(files, f"{log}/{batches[-1]}", check):
            remains = [f"{COMMITS}/{batches[-1]}"]
            # A commit means nothing without its plan, so both go.
            if log == OFFSETS:
                remains.insert(0, f"{OFFSETS}/{newest}")
            raise DamagedCheckpointError(
                f"{log}/{batches[-1]} is empty or unreadable; delete {' and '.join(remains)}, and "
                f"their .crc files: batch {batches[-1]} will run again"
            )
    # Spark begins the newest batch where the one before it ends.
    if newest and not _is_whole(files, f"{OFFSETS}/{newest - 1}", read_plan):
        raise DamagedCheckpointError(
            f"{OFFSETS}/{newest - 1} is missing or unreadable; put it back, or "
            f"{_begin_another(files)}"
        )


def newest_positions(files: CheckpointFiles) -> Positions:
    """What the newest batch that was done had reached; empty when the checkpoint does not say.

    Raises:
        CheckpointFileError: it cannot be read.
    """
    try:
        return committed_positions(files)
    except (ValueError, UnknownFormatError, DamagedFileError):
        return {}


def begin_another(positions: Positions) -> str:
    """The options that make a new checkpoint go on at these positions."""
    begin = "start with another --checkpoint"
    return f"{begin} and --starting-offsets '{offsets_json(positions)}'" if positions else begin


def _begin_another(files: CheckpointFiles) -> str:
    return begin_another(newest_positions(files))


def _is_whole(files: CheckpointFiles, name: str, check: Callable[[str], object]) -> bool:
    try:
        check(files.read(name) or "")
    except UnknownFormatError as error:
        raise DamagedCheckpointError(
            f"{name} is not for this version of the job: {error}; run the one that wrote it, or "
            f"{_begin_another(files)}"
        ) from error
    except (ValueError, DamagedFileError):
        return False
    return True
