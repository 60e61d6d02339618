from __future__ import annotations

import json
import logging
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from log_process import log_process, output_of

from stream_telemetry.logs.files.whole_lines import LostLines, WholeLines
from stream_telemetry.logs.lines import JsonLines

Opened = tuple[logging.Logger, LostLines]
OpenFile = Callable[..., Opened]


@pytest.fixture
def open_file() -> Iterator[OpenFile]:
    """A logger that writes to one file only."""
    files = []

    def make(path: Path, max_bytes: int = 20_000, mode: int = 0o600) -> Opened:
        lost = LostLines()
        handler = WholeLines(path, lost, max_bytes=max_bytes, mode=mode)
        handler.setFormatter(JsonLines())
        logger = logging.getLogger(f"file.{path}")
        logger.setLevel(logging.INFO)
        logger.propagate = False
        logger.addHandler(handler)
        files.append(handler)
        return logger, lost

    yield make
    for file in files:
        file.close()


def numbers_in(*paths: Path) -> list[object]:
    lines = [line for path in paths for line in path.read_text("ascii").splitlines()]
    return [json.loads(line)["n"] for line in lines]


def backups_of(path: Path) -> list[Path]:
    """The older files, oldest first."""
    return sorted(path.parent.glob(f"{path.name}.[0-9]"), reverse=True)


def write(logger: logging.Logger, *numbers: int) -> None:
    for number in numbers:
        logger.info("line", extra={"n": number})


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_rotation_loses_nothing_and_keeps_the_mode(tmp_path: Path, open_file: OpenFile) -> None:
    path = tmp_path / "job.log"
    logger, lost = open_file(path, 2000, 0o640)
    write(logger, *range(40))
    backups = backups_of(path)
    assert len(backups) > 2
    assert all(backup.stat().st_size <= 2000 for backup in backups)
    assert {mode_of(file) for file in [*backups, path]} == {0o640}
    assert numbers_in(*backups, path) == [*range(40)]
    assert lost.count == 0


def test_five_older_files_are_kept(tmp_path: Path, open_file: OpenFile) -> None:
    path = tmp_path / "job.log"
    write(open_file(path, 400)[0], *range(30))
    kept = numbers_in(*backups_of(path), path)
    assert len(backups_of(path)) == 5
    assert kept == [*range(30)][-len(kept) :]


@pytest.mark.parametrize("is_made_anew", [False, True])
def test_after_a_rename_lines_go_to_a_file_at_the_path(
    tmp_path: Path, open_file: OpenFile, is_made_anew: bool
) -> None:
    path = tmp_path / "job.log"
    logger, lost = open_file(path)
    write(logger, 1)
    path.rename(tmp_path / "rotated")
    if is_made_anew:
        path.touch(mode=0o644)
    write(logger, 2, 3)
    assert numbers_in(tmp_path / "rotated") == [1]
    assert numbers_in(path) == [2, 3]
    assert (mode_of(path), lost.count) == (0o600, 0)


def test_after_the_file_was_emptied_lines_begin_at_its_beginning(
    tmp_path: Path, open_file: OpenFile
) -> None:
    path = tmp_path / "job.log"
    logger, _ = open_file(path)
    write(logger, 1)
    os.truncate(path, 0)
    write(logger, 2)
    assert numbers_in(path) == [2]


def test_after_the_directory_was_removed_it_is_made_again(
    tmp_path: Path, open_file: OpenFile
) -> None:
    path = tmp_path / "logs" / "job.log"
    logger, lost = open_file(path)
    write(logger, 1)
    shutil.rmtree(path.parent)
    write(logger, 2)
    assert numbers_in(path) == [2]
    assert (mode_of(path.parent), lost.count) == (0o700, 0)


def test_lines_that_find_no_directory_are_counted(
    tmp_path: Path, open_file: OpenFile, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "logs" / "job.log"
    logger, lost = open_file(path)
    shutil.rmtree(path.parent)
    path.parent.write_text("a file in its place")
    write(logger, 1, 2, 3)
    assert lost.count == 3
    (told,) = caplog.messages
    assert told.startswith(f"no log file: {path} cannot be opened (")


def test_a_new_file_belongs_to_the_group_of_its_directory(
    tmp_path: Path, open_file: OpenFile
) -> None:
    if os.geteuid():
        pytest.fail("only root may give a directory to a group that it is not in")
    os.chown(tmp_path, -1, 4242)
    tmp_path.chmod(0o750)
    path = tmp_path / "job.log"
    write(open_file(path, 400, 0o640)[0], *range(4))
    for file in (path, backups_of(path)[-1]):
        assert (file.stat().st_gid, mode_of(file)) == (4242, 0o640)


def test_a_pipe_that_nobody_reads_holds_up_nobody(tmp_path: Path, open_file: OpenFile) -> None:
    os.mkfifo(tmp_path / "job.log")
    logger, lost = open_file(tmp_path / "job.log")
    write(logger, 1)
    assert lost.count == 1


def test_a_full_disk_costs_lines_that_are_counted_and_tears_none(tmp_path: Path) -> None:
    # A limit on the file's size is met as a full disk is: by a write that ends too early.
    program = """
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, resource.RLIM_INFINITY))
start()
write(*range(100))
print(lost.count, len(told), sum("cannot be written (" in text for text in told))
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
log.info("there is room again", extra={"n": 100})
"""
    path = tmp_path / "job.log"
    lost, *told = output_of(log_process(program, path)).split()
    found = [json.loads(line) for line in path.read_text("ascii").splitlines()]
    assert found[-1]["message"] == "there is room again"
    assert len(found) - 1 + int(lost) == 100 + 1, "the warning is a line too, and lost"
    assert told == ["101", "1"]


ROTATING = """
start(2000)
write(*range(40))
print(json.dumps([lost.count, [text for text in told if text != "line"]]))
"""


def in_namespace(mounts: str) -> tuple[str, ...]:
    """Runs a command where $1 to its path is mounted as `mounts` says, in the eyes of it alone."""
    return ("unshare", "--map-root-user", "--mount", "sh", "-c", f'{mounts} && exec "$@"', "sh")


def test_a_mount_point_is_copied_and_emptied(tmp_path: Path) -> None:
    path = tmp_path / "job.log"
    path.touch()
    before = in_namespace(f"mount --bind {path} {path}")
    lost, told = json.loads(output_of(log_process(ROTATING, path, before=before)))
    assert lost == 0
    assert told == [f"{path} cannot be renamed (Device or resource busy): it is copied instead"]
    lines = [f.read_text("ascii").splitlines() for f in [*backups_of(path), path]]
    found = [json.loads(line) for file in lines for line in file]
    assert [line["n"] for line in found if "n" in line] == [*range(40)]
    assert [line["message"] for line in found if "n" not in line] == told
    assert len(backups_of(path)) > 2


def test_a_file_that_can_only_be_written_grows_on_and_that_is_told_once(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    path = logs / "job.log"
    logs.mkdir()
    path.touch()
    before = in_namespace(
        f"mount --bind {logs} {logs} && mount --bind {path} {path} && "
        f"mount -o remount,bind,ro {logs}"
    )
    lost, told = json.loads(output_of(log_process(ROTATING, path, before=before)))
    assert lost == 1, "a rotation that failed"
    assert told == [f"{path} cannot be rotated (Read-only file system): it grows on"]
    found = [json.loads(line) for line in path.read_text("ascii").splitlines()]
    assert [line["n"] for line in found if "n" in line] == [*range(40)]
    assert list(logs.iterdir()) == [path]
