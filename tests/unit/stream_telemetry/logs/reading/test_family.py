"""All files of a log in the order in which they were written."""

from __future__ import annotations

import gzip
import os
from contextlib import ExitStack
from pathlib import Path

from log_directory import Logs

from stream_telemetry.logs.reading.family import Family


def messages(logs: Logs) -> list[str]:
    family = Family(logs.path, logs.told.append)
    return [entry.word("message") for entry in family.entries()]


def test_older_files_come_first_packed_or_not(logs: Logs) -> None:
    logs.write("job.log", [50, 51])
    logs.write("job.log.1", [40, 41])
    logs.write("job.log.2.gz", [30, 31], is_packed=True)
    logs.write("job.log.10.gz", [10, 11], is_packed=True)
    logs.write("job.log.9", [20])
    assert messages(logs) == [f"m{n}" for n in (10, 11, 20, 30, 31, 40, 41, 50, 51)]
    assert logs.told == []


def test_what_a_file_is_called_does_not_matter(logs: Logs) -> None:
    logs.write("job.log-20261127", [20])
    logs.write("job.log-20261128.gz", [30], is_packed=True)
    logs.write("job.log.old", [10])
    logs.write("job.log", [40])
    # gzip -S .z, or a name that lies.
    logs.write("job.log.1.z", [35], is_packed=True)
    logs.write("job.log.2.gz", [25])
    assert messages(logs) == [f"m{n}" for n in (10, 20, 25, 30, 35, 40)]


def test_other_logs_do_not_belong_to_it(logs: Logs) -> None:
    for name in ("job.log", "other.log", "job.log2", "myjob.log", "job.logs.1"):
        logs.write(name, [1])
    (logs.directory / "job.log.d").mkdir()
    assert messages(logs) == ["m1"]


def test_a_name_is_no_pattern(tmp_path: Path) -> None:
    logs = Logs(tmp_path)
    logs.path = tmp_path / "j[o]b.log"
    logs.write("j[o]b.log", [2])
    logs.write("j[o]b.log.1", [1])
    logs.write("job.log.1", [0])
    assert messages(logs) == ["m1", "m2"]


def test_the_file_that_is_written_is_the_newest_though_it_is_empty(logs: Logs) -> None:
    logs.write("job.log", [])
    logs.write("job.log.1", [1])
    with ExitStack() as stack:
        found = Family(logs.path, logs.told.append).open(stack)
        assert [name for name, _ in found] == ["job.log.1", "job.log"]


def test_one_file_under_two_names_is_read_once(logs: Logs) -> None:
    logs.write("job.log", [1])
    os.link(logs.path, logs.directory / "job.log.1")
    assert messages(logs) == ["m1"]


def test_broken_lines_are_told_and_passed_over(logs: Logs) -> None:
    logs.append(logs.line(1), "torn {\n", "[1]\n", "\n", "\x00\xff\n", logs.line(2), '{"half": ')
    assert messages(logs) == ["m1", "m2"]
    assert logs.told == ["job.log: 4 lines are no JSON object, passed over"]


def test_a_line_that_lacks_only_its_end_is_read(logs: Logs) -> None:
    logs.append(logs.line(1), logs.line(2).rstrip())
    assert messages(logs) == ["m1", "m2"]
    assert logs.told == []


def test_a_line_nested_too_deep_is_one_broken_line(logs: Logs) -> None:
    logs.append("[" * 100_000 + "\n", logs.line(1))
    assert messages(logs) == ["m1"]
    assert logs.told == ["job.log: 1 line is no JSON object, passed over"]


def test_a_packed_file_that_was_cut_gives_what_it_has(logs: Logs) -> None:
    packed = logs.write("job.log.1.gz", range(50), is_packed=True)
    whole = gzip.compress(b"".join(logs.line(n).encode() for n in range(50)), mtime=0)
    packed.write_bytes(whole[: len(whole) - 30])
    logs.write("job.log", [60])
    found = messages(logs)
    assert found[-1] == "m60"
    (told,) = logs.told
    assert told.startswith("job.log.1.gz is damaged behind its line")


def test_a_file_that_cannot_be_read_is_told(logs: Logs) -> None:
    # Can be opened, and gives an error as a disk does that is broken.
    (logs.directory / "job.log.1").symlink_to("/proc/self/mem")
    logs.write("job.log", [2])
    assert messages(logs) == ["m2"]
    assert logs.told == ["job.log.1 cannot be read: Input/output error"]
