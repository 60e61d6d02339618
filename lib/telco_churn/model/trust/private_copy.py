"""A model's files in a directory of our own, so that what was checked is what is loaded.

Whoever may write to the model's directory could change a file between the two. Nobody else may
write to the copy.
"""

from __future__ import annotations

import errno
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from telco_churn.errors import ModelError
from telco_churn.model.manifest import HOW_TO_MEND
from telco_churn.model.trust.hadoop_files import HadoopFileError, hadoop_directory
from telco_churn.model.trust.model_place import ModelPlace, RemotePlace
from telco_churn.model.trust.plain_files import Entry, NotPlainError, plain_directory

MOST_ENTRIES = 10_000
"""Files and directories of a model; a forest has about a dozen of each."""
MOST_FILE_BYTES = 128 * 2**20
MOST_BYTES = 512 * 2**20
DEEPEST = 24
"""Directories within each other; a pipeline within a pipeline takes two."""
_CHUNK = 2**20
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


class Directory(Protocol):
    """A directory that is open: of this machine, or of Hadoop. Methods raise OSError."""

    def entries(self) -> AbstractContextManager[Iterator[Any]]:
        """What lies in it."""

    def within(self, name: str) -> AbstractContextManager[Directory]:
        """A directory in it."""

    def open(self, entry: Any) -> AbstractContextManager[tuple[Callable[[int], bytes], int]]:
        """What reads the next bytes of a file, and how many it says it has."""


@contextmanager
def private_copy(path: ModelPlace, is_part: Callable[[Entry], bool]) -> Iterator[Path]:
    """A copy of the model in directory `path`, there until the end of the block.

    Args:
        path: the model; on this machine it may be a link itself, and holds none.
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


def _own_directory(path: ModelPlace) -> tempfile.TemporaryDirectory[str]:
    try:
        # Only its owner may enter such a directory.
        return tempfile.TemporaryDirectory(prefix="churn-model-", ignore_cleanup_errors=True)
    except OSError as error:
        raise ModelError(
            f"model {path} cannot be copied, to be checked: {error.strerror or error}; "
            "set TMPDIR to a directory that this user may write"
        ) from error


def _opened(place: ModelPlace) -> AbstractContextManager[Directory]:
    if isinstance(place, RemotePlace):
        return nullcontext(hadoop_directory(place.uri))
    return plain_directory(place)


@dataclass
class _Copying:
    """One copy under way, and what it has taken so far."""

    model: ModelPlace
    entries: int = 0
    copied: int = 0

    def whole(self, target: Path, is_part: Callable[[Entry], bool]) -> None:
        """Copies what is a part of the model; raises ModelError."""
        try:
            with _opened(self.model) as source:
                self._directory(source, target, PurePosixPath(), is_part)
        except HadoopFileError as error:
            raise ModelError(
                f"model {self.model} cannot be read ({error}); name a directory of this machine, "
                "or a URI of a file system that Spark has"
            ) from error
        except OSError as error:
            if error.errno in _NO_ROOM:
                raise ModelError(
                    f"model {self.model} cannot be copied, to be checked: {error.strerror} in "
                    f"{target.parent}; make room there, or set TMPDIR to another directory"
                ) from error
            raise ModelError(f"model {self.model}: {error}; {HOW_TO_MEND}") from error

    def _directory(
        self,
        source: Directory,
        target: Path,
        place: PurePosixPath,
        is_part: Callable[[Entry], bool] = lambda entry: True,
    ) -> None:
        if len(place.parts) > DEEPEST:
            raise self._refused(place, f"lies in more than {DEEPEST} directories")
        with source.entries() as found:
            for entry in found:
                if is_part(entry):
                    self._entry(source, entry, target, place)

    def _entry(self, source: Directory, entry: Entry, target: Path, place: PurePosixPath) -> None:
        name = entry.name
        if not (name.isascii() and name.isprintable()):
            raise self._refused(place / ascii(name), "is not a name of plain letters")
        self.entries += 1
        if self.entries > MOST_ENTRIES:
            raise self._refused(place / name, f"is one file more than {MOST_ENTRIES:,}")
        try:
            if entry.is_dir(follow_symlinks=False):
                with source.within(name) as within:
                    (target / name).mkdir()
                    self._directory(within, target / name, place / name)
                return
            with source.open(entry) as (read, size):
                self._file(read, size, target / name)
        except NotPlainError as error:
            raise self._refused(place / name, str(error.strerror)) from error

    def _file(self, read: Callable[[int], bytes], size: int, target: Path) -> None:
        with target.open("xb") as copy:
            self._check_size(size)
            # It may grow while it is read.
            taken = 0
            while chunk := read(_CHUNK):
                taken += len(chunk)
                self._check_size(taken)
                copy.write(chunk)
            self.copied += taken

    def _check_size(self, size: int) -> None:
        if size > MOST_FILE_BYTES:
            raise NotPlainError(f"is larger than {MOST_FILE_BYTES:,} bytes")
        if self.copied + size > MOST_BYTES:
            raise NotPlainError(f"brings the model to more than {MOST_BYTES:,} bytes")

    def _refused(self, place: PurePosixPath, fault: str) -> ModelError:
        return ModelError(f"model {self.model}: {place} {fault}; {HOW_TO_MEND}")
