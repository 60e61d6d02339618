"""The files of a checkpoint, by Hadoop's own file system: the one that Spark will use.

Which one that is depends on the scheme, on `fs.defaultFS` and on the site's other settings, so
nobody but Hadoop can say whether a path is a directory of this machine.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark import SparkContext

from stream_telemetry.process.driver_jvm import connected
from stream_telemetry.run.causes import java_errors_as


class CheckpointFileError(Exception):
    """A file of the checkpoint cannot be read or written; one line, as its file system says it."""


class AlreadyThereError(CheckpointFileError):
    """A file that was to be made anew is there."""


class DamagedFileError(CheckpointFileError):
    """A file is not what was written: its checksum differs."""


_KINDS: dict[str, type[CheckpointFileError]] = {
    "FileAlreadyExistsException": AlreadyThereError,
    "ChecksumException": DamagedFileError,
}

_MOMENTS = (0.05, 0.1, 0.2, 0.4)
"""Seconds between the tries to read a file."""


class CheckpointFiles:
    """Access to a checkpoint's files; names are relative to it, with `/` between folders.

    Attributes:
        location: the checkpoint as the user wrote it.
        uri: the same with scheme and authority.
        scheme: of its file system, in small letters.
    """

    def __init__(self, location: str) -> None:
        """Finds the file system; connects to the JVM, or starts one where there is none.

        Raises:
            CheckpointFileError: there is no such file system, or it does not answer.
        """
        self._jvm = connected()
        self.location = location
        spark, hadoop = self._jvm.org.apache.spark, self._jvm.org.apache.hadoop.fs
        with _told():
            # What spark-submit was told counts too: spark.hadoop.fs.defaultFS, jars, proxy user.
            conf = spark.deploy.SparkHadoopUtil.get().newConfiguration(spark.SparkConf())
            self._conf, path = conf, hadoop.Path(location)
            self._system = path.getFileSystem(conf)
            self._root = self._system.makeQualified(path)
            self.uri = str(self._root.toString())
            self.scheme = str(self._root.toUri().getScheme()).lower()

    @staticmethod
    def can_connect() -> bool:
        """Whether a JVM is there, so that none would have to be started."""
        # spark-submit passes the port of its JVM in this variable.
        return SparkContext._gateway is not None or "PYSPARK_GATEWAY_PORT" in os.environ

    def make(self) -> None:
        """Makes the checkpoint's directory, for its owner alone, unless it is there.

        Raises:
            CheckpointFileError: it cannot be made.
        """
        with _told():
            permission = self._jvm.org.apache.hadoop.fs.permission.FsPermission("700")
            self._system.mkdirs(self._root, permission)

    def local(self) -> Path | None:
        """The directory on this machine, once it is made; None if it is somewhere else.

        Raises:
            CheckpointFileError: it cannot be found.
        """
        with _told():
            # Also through a file system that only links to others (viewfs).
            found = self._system.resolvePath(self._root).toUri()
            return Path(found.getPath()) if found.getScheme() == "file" else None

    def read(self, name: str) -> str | None:
        """A file's text; None when it is not there.

        Raises:
            CheckpointFileError: it cannot be read.
        """
        # While Hadoop replaces a file and then its checksum, it looks damaged, or is gone.
        for moment in _MOMENTS:
            with suppress(CheckpointFileError):
                return self._read(name)
            time.sleep(moment)
        return self._read(name)

    def _read(self, name: str) -> str | None:
        with _told():
            path = self._path(name)
            if not self._system.exists(path):
                return None
            stream = self._system.open(path)
            try:
                # Whether a damaged text can be used is for its reader to say.
                return bytes(stream.readAllBytes()).decode(errors="replace")
            finally:
                stream.close()

    def names(self, folder: str = "") -> list[str]:
        """What lies in a folder, in no order; nothing when that is not there.

        Raises:
            CheckpointFileError: it cannot be listed, or is a file.
        """
        with _told():
            path = self._path(folder)
            if not self._system.exists(path):
                return []
            if not self._system.getFileStatus(path).isDirectory():
                raise CheckpointFileError(f"{path.toString()} is no directory")
            paths = self._jvm.org.apache.hadoop.fs.FileUtil.stat2Paths(
                self._system.listStatus(path)
            )
            if not len(paths):
                return []
            # In one call, not in two for each of some hundred files.
            text = str(self._jvm.org.apache.commons.lang3.ArrayUtils.toString(paths))
            parent = f"{paths[0].getParent().toString()}/"
            return text[1:-1].removeprefix(parent).split(f",{parent}")

    def write(self, name: str, text: str) -> None:
        """Writes a file, or replaces it: in one step, unless the file system cannot.

        Raises:
            CheckpointFileError: it cannot be written.
        """
        folder, _, last = name.rpartition("/")
        new, path = self._path(f"{folder}/.{last}.new".lstrip("/")), self._path(name)
        with _told():
            context = self._context()
            if context is None:
                self._put(path, text)
                return
            self._put(new, text)
            context.rename(new, path, self._overwriting())

    def replace(self, name: str, text: str) -> None:
        """Replaces a file that `create` has made; on this machine it is never gone meanwhile.

        Raises:
            CheckpointFileError: it cannot be written.
        """
        if (directory := self.local()) is None:
            self.write(name, text)
            return
        path = directory / name
        with _told_of(path):
            new = path.with_name(f".{path.name}.new")
            new.write_text(text, encoding="utf-8")
            new.replace(path)

    def create(self, name: str, text: str) -> None:
        """Writes a file that must not be there yet; of several who try, one can.

        Raises:
            AlreadyThereError: it is there.
            CheckpointFileError: it cannot be written.
        """
        if (directory := self.local()) is not None:
            # Hadoop's own way looks first and then writes: two could do so at the same time.
            _create_local(directory / name, text)
            return
        with _told():
            self._put(self._path(name), text, replace=False)

    def delete(self, name: str) -> None:
        """Deletes a file; one that is not there is no error.

        Raises:
            CheckpointFileError: it cannot be deleted.
        """
        with _told():
            # Not recursive: it can never delete a folder with what lies in it.
            self._system.delete(self._path(name), False)

    def _path(self, name: str) -> Any:
        return self._jvm.org.apache.hadoop.fs.Path(self._root, name) if name else self._root

    def _put(self, path: Any, text: str, *, replace: bool = True) -> None:
        stream = self._system.create(path, replace)
        try:
            stream.write(text.encode())
        finally:
            stream.close()

    def _context(self) -> Any | None:
        """Hadoop's newer interface, which can replace a file; some stores have none."""
        try:
            return self._jvm.org.apache.hadoop.fs.FileContext.getFileContext(
                self._root.toUri(), self._conf
            )
        except Py4JJavaError:
            return None

    def _overwriting(self) -> Any:
        kind = getattr(self._jvm.org.apache.hadoop.fs, "Options$Rename")
        assert SparkContext._gateway is not None
        # Py4J does not build varargs: Java needs the array itself.
        options = SparkContext._gateway.new_array(kind, 1)
        options[0] = kind.OVERWRITE
        return options


def _create_local(path: Path, text: str) -> None:
    with _told_of(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        # Of a file that Hadoop has had there: to it, this one would be damaged.
        path.with_name(f".{path.name}.crc").unlink(missing_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)


@contextmanager
def _told_of(path: Path) -> Iterator[None]:
    """Turns what this machine says of a file into one of the errors above."""
    try:
        yield
    except FileExistsError as error:
        raise AlreadyThereError(f"{path} is there already") from error
    except OSError as error:
        raise CheckpointFileError(f"{path}: {error.strerror}") from error


def _told() -> AbstractContextManager[None]:
    """Turns what Java throws into one of the errors above."""
    return java_errors_as(lambda cause: _KINDS.get(cause.name, CheckpointFileError)(str(cause)))
