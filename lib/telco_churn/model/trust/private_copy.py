"""A model's files in a directory of our own, so that what was checked is what is loaded.

Whoever may write to the model's directory could change a file between the two. Nobody else may
write to the copy.
"""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path, PurePosixPath

from telco_churn.errors import ModelError
from telco_churn.model.manifest import HOW_TO_MEND
from telco_churn.model.trust.plain_files import NotPlainError, open_directory, open_plain

MOST_ENTRIES = 10_000
"""Files and directories of a model; a forest has about a dozen of each."""
MOST_FILE_BYTES = 128 * 2**20
MOST_BYTES = 512 * 2**20
DEEPEST = 24
"""Directories within each other; a pipeline within a pipeline takes two."""
_CHUNK = 2**20
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


@contextmanager
def private_copy(path: Path, is_part: Callable[[os.DirEntry[str]], bool]) -> Iterator[Path]:
    """A copy of the model in directory `path`, there until the end of the block.

    Args:
        path: the model; it may be a link itself, and holds none.
        is_part: tells of an entry of that directory whether to copy it.

    Raises:
        ModelError: the files cannot be copied, or are not what a model is made of. One that leaves
            the block names the model instead of its copy.
    """
    with _own_directory(path) as made:
        try:
            _Copying(path).whole(Path(made), is_part)
            yield Path(made)
        except ModelError as error:
            raise ModelError(str(error).replace(made, str(path))) from error


def _own_directory(path: Path) -> tempfile.TemporaryDirectory[str]:
    try:
        # Only its owner may enter such a directory.
        return tempfile.TemporaryDirectory(prefix="churn-model-", ignore_cleanup_errors=True)
    except OSError as error:
        raise ModelError(
            f"model {path} cannot be copied, to be checked: {error.strerror or error}; "
            "set TMPDIR to a directory that this user may write"
        ) from error


@dataclass
class _Copying:
    """One copy under way, and what it has taken so far."""

    model: Path
    entries: int = 0
    bytes: int = 0

    def whole(self, target: Path, is_part: Callable[[os.DirEntry[str]], bool]) -> None:
        """Copies what is a part of the model; raises ModelError."""
        try:
            source = os.open(self.model, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                self._directory(source, target, PurePosixPath(), is_part)
            finally:
                os.close(source)
        except OSError as error:
            if error.errno in _NO_ROOM:
                raise ModelError(
                    f"model {self.model} cannot be copied, to be checked: {error.strerror} in "
                    f"{target.parent}; make room there, or set TMPDIR to another directory"
                ) from error
            raise ModelError(f"model {self.model}: {error}; {HOW_TO_MEND}") from error

    def _directory(
        self,
        source: int,
        target: Path,
        place: PurePosixPath,
        is_part: Callable[[os.DirEntry[str]], bool] = lambda entry: True,
    ) -> None:
        if len(place.parts) > DEEPEST:
            raise self._refused(place, f"lies in more than {DEEPEST} directories")
        # As it is read, for it may have more entries than anybody could sort.
        with os.scandir(source) as found:
            for entry in found:
                if is_part(entry):
                    self._entry(source, entry, target, place)

    def _entry(
        self, source: int, entry: os.DirEntry[str], target: Path, place: PurePosixPath
    ) -> None:
        name = entry.name
        if not (name.isascii() and name.isprintable()):
            raise self._refused(place / ascii(name), "is not a name of plain letters")
        self.entries += 1
        if self.entries > MOST_ENTRIES:
            raise self._refused(place / name, f"is one file more than {MOST_ENTRIES:,}")
        try:
            if not entry.is_dir(follow_symlinks=False):
                self._file(open_plain(name, source), target / name)
                return
            within = open_directory(name, source)
        except NotPlainError as error:
            raise self._refused(place / name, str(error.strerror)) from error
        try:
            (target / name).mkdir()
            self._directory(within, target / name, place / name)
        finally:
            os.close(within)

    def _file(self, source: BufferedReader, target: Path) -> None:
        with source, target.open("xb") as copy:
            self._check_size(os.fstat(source.fileno()).st_size)
            # It may grow while it is read.
            taken = 0
            while chunk := source.read(_CHUNK):
                taken += len(chunk)
                self._check_size(taken)
                copy.write(chunk)
            self.bytes += taken

    def _check_size(self, size: int) -> None:
        if size > MOST_FILE_BYTES:
            raise NotPlainError(f"is larger than {MOST_FILE_BYTES:,} bytes")
        if self.bytes + size > MOST_BYTES:
            raise NotPlainError(f"brings the model to more than {MOST_BYTES:,} bytes")

    def _refused(self, place: PurePosixPath, fault: str) -> ModelError:
        return ModelError(f"model {self.model}: {place} {fault}; {HOW_TO_MEND}")
