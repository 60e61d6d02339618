from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from log_process import log_process, output_of

from stream_telemetry.logs.files.own_file import OwnFile
from stream_telemetry.logs.files.whole_lines import LostLines

STEPWISE = """
start()
print("up", flush=True)
input()
write(*range(300))
print("done", flush=True)
input()
write(300)
"""
# Seccomp answers flock() as a file system without locks does: ENOLCK.
WITHOUT_LOCKS = """
import ctypes, platform, struct
number = {"x86_64": 73, "aarch64": 32}[platform.machine()]
refuse, allow = 0x50000 | 37, 0x7FFF0000
rules = [(0x20, 0, 0, 0), (0x15, 0, 1, number), (0x06, 0, 0, refuse), (0x06, 0, 0, allow)]
code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *rule) for rule in rules))
program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(rules), ctypes.addressof(code)))
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, program, 0, 0) == 0, ctypes.get_errno()
"""


def numbers_in(directory: Path, stem: str) -> list[object]:
    files = [*sorted(directory.glob(f"{stem}.log.[0-9]"), reverse=True), directory / f"{stem}.log"]
    lines = [line for file in files for line in file.read_text("ascii").splitlines()]
    return [json.loads(line)["n"] for line in lines]


def await_line(process: subprocess.Popen[str], line: str) -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == f"{line}\n"


def go_on(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def run_two(path: Path, meanwhile: Callable[[], None]) -> None:
    """Two processes open the file, `meanwhile` happens, both write, then both end."""
    processes = [log_process(STEPWISE, path) for _ in range(2)]
    for process in processes:
        await_line(process, "up")
    meanwhile()
    for process in processes:
        go_on(process)
        await_line(process, "done")
    for process in processes:
        go_on(process)
        output_of(process)


def test_a_second_process_has_a_file_of_its_own_until_the_first_ends(tmp_path: Path) -> None:
    run_two(tmp_path / "job.log", lambda: None)
    assert numbers_in(tmp_path, "job") == numbers_in(tmp_path, "job-2") == [*range(301)]
    after = OwnFile(tmp_path / "job.log", LostLines())
    assert after.path == tmp_path / "job.log"
    after.close()


def test_processes_whose_directory_was_removed_have_files_of_their_own_again(
    tmp_path: Path,
) -> None:
    logs = tmp_path / "logs"
    run_two(logs / "job.log", lambda: shutil.rmtree(logs))
    assert numbers_in(logs, "job") == numbers_in(logs, "job-2") == [*range(301)]


def test_a_file_system_without_locks_is_no_reason_for_a_file_of_another_name(
    tmp_path: Path,
) -> None:
    program = WITHOUT_LOCKS + "start(); write(1); print(lost.count, told == ['line'])"
    for _ in range(2):
        assert output_of(log_process(program, tmp_path / "job.log")) == "0 True\n"
    assert numbers_in(tmp_path, "job") == [1, 1]
    assert sorted(file.name for file in tmp_path.iterdir()) == [".job.log.lock", "job.log"]
