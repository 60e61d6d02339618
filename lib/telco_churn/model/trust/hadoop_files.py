"""Reading a model's files by Hadoop: HDFS, object stores, whatever this Spark has jars for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from py4j.protocol import Py4JJavaError
from pyspark.errors.exceptions.captured import CapturedException

from stream_telemetry.process.driver_jvm import connected
from stream_telemetry.run.causes import root_cause

Found = TypeVar("Found")


class HadoopFileError(OSError):
    """What a file system has said; one line."""


@dataclass(frozen=True)
class HadoopEntry:
    """An entry of a directory: its name, how large it says it is, whether it is one itself."""

    name: str
    size: int
    is_directory: bool

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:
        """Whether it is a directory; links are none, and nobody follows them."""
        return self.is_directory


@dataclass(frozen=True)
class HadoopDirectory:
    """A directory, asked through the JVM of this process; methods raise HadoopFileError.

    Attributes:
        jvm: has Hadoop's classes.
        system: Hadoop's `FileSystem`.
        path: a `Path` in it.
    """

    jvm: Any
    system: Any
    path: Any

    @contextmanager
    def entries(self) -> Iterator[Iterator[HadoopEntry]]:
        """What lies in it, one after the other: a list may have no end."""
        found = _asked(lambda: self.system.listStatusIterator(self.path))
        yield iter(lambda: _asked(lambda: _next(found)), None)

    @contextmanager
    def within(self, name: str) -> Iterator[HadoopDirectory]:
        """A directory in it."""
        yield HadoopDirectory(self.jvm, self.system, _asked(lambda: self._child(name)))

    @contextmanager
    def open(self, entry: HadoopEntry) -> Iterator[tuple[Callable[[int], bytes], int]]:
        """What reads the next bytes of a file, and how many it says it has."""
        stream = _asked(lambda: self.system.open(self._child(entry.name)))
        try:
            yield lambda most: bytes(_asked(lambda: stream.readNBytes(most))), entry.size
        finally:
            _asked(stream.close)

    def _child(self, name: str) -> Any:
        return self.jvm.org.apache.hadoop.fs.Path(self.path, name)


def hadoop_directory(uri: str) -> HadoopDirectory:
    """The directory at a URI; connects to the JVM, or starts one where there is none.

    Raises:
        HadoopFileError: there is no such file system, or no JVM.
    """
    try:
        jvm = connected()
    except RuntimeError as error:
        raise HadoopFileError(str(error)) from error

    def find() -> HadoopDirectory:
        spark = jvm.org.apache.spark
        # What spark-submit was told counts too: keys, endpoints, spark.hadoop.fs.….impl.
        conf = spark.deploy.SparkHadoopUtil.get().newConfiguration(spark.SparkConf())
        path = jvm.org.apache.hadoop.fs.Path(uri)
        return HadoopDirectory(jvm, path.getFileSystem(conf), path)

    return _asked(find)


def _next(found: Any) -> HadoopEntry | None:
    if not found.hasNext():
        return None
    status = found.next()
    name, size = str(status.getPath().getName()), int(status.getLen())
    return HadoopEntry(name, size, bool(status.isDirectory()))


def _asked(ask: Callable[[], Found]) -> Found:
    try:
        return ask()
    # With a session, pyspark has some of Java's exceptions as its own.
    except (Py4JJavaError, CapturedException) as error:
        raise HadoopFileError(str(root_cause(error))) from error
