"""Makes class archives: a sandbox runs once, and its JVMs record what they load.

Nobody waits for it: it starts after a run, detached, at the lowest priority. Where somebody
wants to wait, as for an image, there is `./spark-submit.sh --prepare`.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from launcher.cache.class_archive import (
    RECORDED_EVENTS,
    VARIABLE,
    ClassArchive,
    Mode,
    directory,
    remove_old,
)
from launcher.child import Child
from launcher.errors import LaunchError

TIME_LIMIT_SECONDS = 1800.0
"""A machine that is busy leaves little to a process of the lowest priority."""
_RETRY_SECONDS = 24 * 3600.0
_NEEDED_MEGABYTES = 1_000
# None of the caller's settings may reach it, neither the cluster nor the Pushgateway.
_LEFT_OUT = ("CHURN_STREAM_", "SPARK_", "PYSPARK_", "KAFKA_", "HADOOP_", "YARN_")
_KEPT = ("CHURN_STREAM_HOME",)
# The only options of Java that it keeps: others may open a port, or wait for a debugger.
_OPTIONS = "SPARK_SUBMIT_OPTS"
_WAYS_OUT = ("-Dhttp", "-Dsocks", "-Djava.net.", "-Djavax.net.")
# Reads to the end of a pipe whose other end the run holds open, also across `exec`.
_AFTER_RUN = 'exec 3<&0; { read -r _ <&3; exec 3<&-; exec "$@"; } </dev/null &'
_ASKED_FOR: set[ClassArchive] = set()


def make_later(archive: ClassArchive, flags: Sequence[str]) -> None:
    """Has the archives made once this process, and what it becomes by `exec`, has ended.

    Args:
        archive: The one that is missing; nothing happens if making it failed within a day.
        flags: Options for the job's JVM.
    """
    if archive in _ASKED_FOR or _failed_lately(archive):
        return
    _ASKED_FOR.add(archive)
    reader, writer = os.pipe()
    os.set_inheritable(writer, True)
    maker = [sys.executable, "-P", "-m", "launcher.cache.training_run", str(archive.stem), *flags]
    subprocess.run(
        ["/bin/sh", "-c", _AFTER_RUN, "sh", *maker],
        stdin=reader,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        check=False,
    )
    os.close(reader)


def make_now(archives: Sequence[ClassArchive], flags: Sequence[str]) -> None:
    """Makes the archives, once nobody else is making them.

    Args:
        archives: Those that are wanted; one that is made stays as it is.
        flags: Options for the job's JVM.

    Raises:
        LaunchError: they cannot be made; says why.
    """
    try:
        with _lock(fcntl.LOCK_EX):
            if not all(archive.is_made for archive in archives):
                _make(training_environment(flags))
    except OSError as error:
        raise LaunchError(f"class archives cannot be kept: {error}") from error
    if missing := [archive.file for archive in archives if not archive.is_made]:
        raise LaunchError(
            f"Java did not write the class archive {missing[0]}; set {VARIABLE}=off to do without"
        )


def main(arguments: Sequence[str]) -> None:
    """Makes the archives in the background, unless another process does.

    Args:
        arguments: Path of the archive that is missing, without suffix; options for the job's JVM.
    """
    os.nice(19)
    archive = ClassArchive(Path(arguments[0]))
    with contextlib.suppress(BlockingIOError), _lock(fcntl.LOCK_EX | fcntl.LOCK_NB):
        if not archive.is_made:
            with (
                contextlib.suppress(LaunchError, OSError),
                tempfile.TemporaryDirectory(prefix="telco-churn-training-") as scratch,
            ):
                # A sandbox that fails leaves its logs, which nobody will look for.
                _make(training_environment(arguments[1:]) | {"TMPDIR": scratch})
        if not archive.is_made:
            _mark(archive).touch()


@contextmanager
def _lock(operation: int) -> Iterator[None]:
    directory().mkdir(parents=True, exist_ok=True)
    with (directory() / "lock").open("w") as file:
        fcntl.flock(file, operation)
        yield


def _make(environment: Mapping[str, str]) -> None:
    free = shutil.disk_usage(directory()).free // 1_000_000
    if free < _NEEDED_MEGABYTES:
        raise LaunchError(
            f"only {free} MB are free in {directory()}, {_NEEDED_MEGABYTES} MB are needed for "
            f"class archives; make room there, or set {VARIABLE}=off"
        )
    _remove_recordings()
    try:
        _run(environment)
        for recording in directory().glob("*.new"):
            ClassArchive(recording.with_suffix("")).keep()
    finally:
        _remove_recordings()
        remove_old()


def _run(environment: Mapping[str, str]) -> None:
    """The training run itself.

    Raises:
        LaunchError: it fails, or takes too long.
    """
    with tempfile.TemporaryDirectory(prefix="telco-churn-training-") as scratch:
        command = [
            *(sys.executable, "-P", "-m", "launcher", "--sandbox", "--trigger", "once"),
            *("--events", str(RECORDED_EVENTS), "--bad-ratio", "0.05", "--conf", "spark.ui.port=0"),
            *("--metrics-port", "0", "--log-dir", scratch, "--run-log-dir", "off"),
        ]
        child = Child("the training run", command, Path(scratch, "console"), environment)
        deadline = time.monotonic() + TIME_LIMIT_SECONDS
        try:
            while child.is_running and time.monotonic() < deadline:
                time.sleep(0.2)
        finally:
            exit_code = child.kill()
        if exit_code != 0:
            raise LaunchError(f"the run that makes class archives failed: {child.last_lines(2)}")


def training_environment(flags: Sequence[str]) -> dict[str, str]:
    """The environment of a training run: the caller's, without what is meant for other runs.

    Args:
        flags: Options for the job's JVM.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in _KEPT or not name.startswith(_LEFT_OUT)
    }
    given = os.environ.get(_OPTIONS, "").split()
    options = [*(word for word in given if word.startswith(_WAYS_OUT)), *flags]
    return kept | {VARIABLE: Mode.RECORD, _OPTIONS: " ".join(options)}


def _failed_lately(archive: ClassArchive) -> bool:
    try:
        # A mark from the future was made by a wrong clock.
        return 0 <= time.time() - _mark(archive).stat().st_mtime < _RETRY_SECONDS
    except OSError:
        return False


def _mark(archive: ClassArchive) -> Path:
    """A file whose age says when making the archive failed."""
    return archive.stem.with_suffix(".failed")


def _remove_recordings() -> None:
    for file in (*directory().glob("*.new"), *directory().glob("*.new.*")):
        file.unlink(missing_ok=True)


if __name__ == "__main__":
    main(sys.argv[1:])
