"""How far a CSV file has been sent, kept in a file of its own."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from churn_tools.producer.source import CustomerCsv, Place
from telco_churn.errors import SettingsError

_OLD_IDENTITY_BYTES = 65_536


class CsvCheckpoint:
    """Remembers the place up to which a CSV is done with: acknowledged by Kafka, or refused.

    The file may have grown behind that place. Any other change makes it another file.

    Attributes:
        source: the CSV file.
        place: rows before it need not be sent again.

    Raises:
        SettingsError: the file cannot be read or written, or belongs to another CSV.
    """

    def __init__(self, path: Path, source: CustomerCsv) -> None:
        self.source = source
        self._path = path
        self.place = self._read(source)

    def write(self, place: Place) -> None:
        """Moves on to `place`; a crash leaves either the old or the new state, never a mix."""
        state = json.dumps(dataclasses.asdict(place)).encode()
        try:
            try:
                self._replace(state)
            except OSError:
                # A mount point, or a directory that is not ours: the file itself may still do.
                _overwrite(self._path, state)
        except OSError as error:
            raise SettingsError(
                f"--checkpoint-file {self._path} cannot be written: {error}"
            ) from error
        self.place = place

    def _replace(self, state: bytes) -> None:
        aside = self._path.with_name(f"{self._path.name}.new")
        try:
            with aside.open("wb") as file:
                file.write(state)
                file.flush()
                os.fsync(file.fileno())
            aside.replace(self._path)
        except OSError:
            with contextlib.suppress(OSError):
                aside.unlink()
            raise

    def _read(self, source: CustomerCsv) -> Place:
        try:
            state = json.loads(self._path.read_text("utf-8"))
            place = _old_place(state, source) if "file" in state else _place(state, source)
        except FileNotFoundError:
            return Place()
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise SettingsError(
                f"--checkpoint-file {self._path} is not a checkpoint ({error!r}): name another "
                "file, or delete it to send all rows"
            ) from error
        if place is None:
            raise SettingsError(
                f"--checkpoint-file {self._path} belongs to another CSV file, or to other rows "
                "than this one begins with: name another checkpoint file, or delete it to send "
                "all rows"
            )
        return place


def _place(state: Mapping[str, Any], source: CustomerCsv) -> Place | None:
    place = Place(int(state["rows"]), int(state["bytes"]), str(state["sha256"]))
    return place if source.holds(place.bytes, place.sha256) else None


def _old_place(state: Mapping[str, Any], source: CustomerCsv) -> Place | None:
    """The place that version 0.1 kept: rows, beside the size and the beginning of the file."""
    size, sha256 = int(state["file"]["size"]), str(state["file"]["sha256"])
    if not source.holds(min(size, _OLD_IDENTITY_BYTES), sha256):
        return None
    return source.place_after(int(state["rows"]))


def _overwrite(path: Path, state: bytes) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT, 0o666)
    try:
        # In one write, padded to the old length, so that the file never holds half a state.
        os.write(file, state.ljust(os.fstat(file).st_size))
        os.fsync(file)
    finally:
        os.close(file)
