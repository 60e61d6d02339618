"""Locks, tried with other processes, and with a kernel that has none."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from stream_telemetry.checkpoint.files import CheckpointFiles
from stream_telemetry.checkpoint.lease import FOLDER
from stream_telemetry.checkpoint.lock import LOCK, LockedError, locked

HOLD = """
import fcntl, os, sys, time
with open(sys.argv[1], "a+") as file:
    fcntl.flock(file, fcntl.LOCK_EX)
    file.write(str(os.getpid()))
    file.flush()
    os.write(1, b"held")
    time.sleep(600)
"""

WITHOUT_LOCKS = """
import ctypes, errno, platform, struct, sys
# The kernel answers flock() as NFS without a lock service does; everything else is as ever.
number = {"x86_64": 73, "aarch64": 32}[platform.machine()]
rules = [(0x20, 0, 0, 0), (0x15, 0, 1, number), (6, 0, 0, 0x50000 | errno.ENOLCK),
         (6, 0, 0, 0x7FFF0000)]
code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *rule) for rule in rules))
program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(rules), ctypes.addressof(code)))
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, program, 0, 0) == 0, ctypes.get_errno()
"""

USE = """
from stream_telemetry.checkpoint.files import CheckpointFiles
from stream_telemetry.checkpoint.lock import LockedError, locked
files = CheckpointFiles(sys.argv[1])
for _ in range(2):
    with locked(files, print):
        print("#", *files.names("leases"), flush=True)
        try:
            with locked(files, print):
                print("# both", flush=True)
        except LockedError as error:
            print("#", error, flush=True)
"""


def fail(reason: str) -> None:
    raise AssertionError(reason)


@contextmanager
def held(file: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-c", HOLD, str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as other:
        try:
            assert other.stdout
            assert other.stdout.read(4) == b"held"
            yield other
        finally:
            other.kill()


def lock_once(files: CheckpointFiles, on_loss: Callable[[str], None] = fail) -> None:
    with locked(files, on_loss):
        pass


def test_a_second_driver_is_refused_until_the_first_one_is_gone_however_it_ended(
    files: CheckpointFiles, tmp_path: Path
) -> None:
    with (
        held((files.local() or tmp_path) / LOCK) as other,
        pytest.raises(LockedError, match=f"checkpoint .* is in use by process {other.pid}; two"),
    ):
        lock_once(files)
    other.wait()
    lock_once(files)
    assert files.names(FOLDER) == [], "where the kernel has locks nobody writes leases"


def test_on_a_file_system_without_locks_a_lease_does_and_is_said_once(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-c", WITHOUT_LOCKS + USE, str(tmp_path)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    # The JVM says something of its own there.
    lines = [line for line in result.stdout.splitlines() if line.startswith("#")]
    first, refused, second, _ = lines
    assert (first, second) == ("# 1", "# 1")
    assert f"checkpoint {tmp_path} is in use by process" in refused
    assert f"checkpoint {tmp_path} is on a file system without locks (No locks" in result.stderr


def test_a_checkpoint_that_cannot_be_locked_is_one_line(
    spark: SparkSession, tmp_path: Path
) -> None:
    (tmp_path / LOCK).mkdir()
    with pytest.raises(LockedError, match=r"cannot be locked .*; set --checkpoint to"):
        lock_once(CheckpointFiles(str(tmp_path)))
