"""Processes that never outlive the one that started them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
import waiting
from sources import HOME

from launcher.child import Child, complaint_in
from launcher.errors import LaunchError

Start = Callable[..., Child]


eventually = partial(waiting.eventually, seconds=20.0)


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Runs a line of shell as a child, and kills it afterwards."""
    started: list[Child] = []

    def run(script: str, environment: dict[str, str] | None = None) -> Child:
        child = Child("the child", ["/bin/sh", "-c", script], tmp_path / "log", environment)
        started.append(child)
        return child

    yield run
    for child in started:
        child.kill()


def test_output_and_errors_are_appended_to_the_log(start: Start, tmp_path: Path) -> None:
    (tmp_path / "log").write_text("before\n")
    child = start("echo out; echo err >&2")
    assert eventually(lambda: not child.is_running)
    assert child.exit_code == 0
    assert (tmp_path / "log").read_text().splitlines() == ["before", "out", "err"]


def test_a_child_gets_only_the_environment_that_it_was_given(start: Start, tmp_path: Path) -> None:
    child = start('echo "${HOME-none} $ONLY"', {"ONLY": "this"})
    assert eventually(lambda: not child.is_running)
    assert (tmp_path / "log").read_text() == "none this\n"


@pytest.mark.parametrize(("script", "code"), [("exit 7", 7), ("kill -TERM $$", -15)])
def test_the_exit_code_is_negative_for_a_signal(start: Start, script: str, code: int) -> None:
    child = start(script)
    assert eventually(lambda: not child.is_running)
    assert child.exit_code == code


def test_a_stop_lets_it_end_by_itself(start: Start, tmp_path: Path) -> None:
    child = start("trap 'echo bye; exit 3' TERM; echo up; while :; do sleep 0.05; done")
    assert eventually(lambda: "up" in (tmp_path / "log").read_text())
    assert child.stop(20.0) == 3
    assert child.last_lines(1) == "bye"


def test_a_child_that_does_not_heed_a_stop_is_killed(start: Start, tmp_path: Path) -> None:
    child = start("trap '' TERM; echo up; while :; do sleep 0.05; done")
    assert eventually(lambda: "up" in (tmp_path / "log").read_text())
    assert child.stop(0.2) == -signal.SIGKILL


def test_a_stop_reaches_a_child_that_is_paused(start: Start, tmp_path: Path) -> None:
    child = start("trap 'exit 3' TERM; echo up; while :; do sleep 0.05; done")
    assert eventually(lambda: "up" in (tmp_path / "log").read_text())
    child.send(signal.SIGSTOP)
    assert child.is_running
    assert child.stop(20.0) == 3


def test_a_kill_takes_what_the_child_has_started_along(start: Start, tmp_path: Path) -> None:
    child = start("sleep 600 & echo $!; wait")
    assert eventually(lambda: (tmp_path / "log").read_text().strip().isdigit())
    grandchild = int((tmp_path / "log").read_text())
    assert is_alive(grandchild)
    child.kill()
    assert eventually(lambda: not is_alive(grandchild))


def test_a_second_kill_does_nothing(start: Start) -> None:
    child = start("sleep 600")
    assert [child.kill(), child.kill()] == [-signal.SIGKILL] * 2


def test_a_child_dies_with_the_process_that_started_it(tmp_path: Path) -> None:
    program = (
        "import os, signal; from pathlib import Path; from launcher.child import Child\n"
        f"child = Child('x', ['sleep', '600'], Path({str(tmp_path / 'log')!r}))\n"
        "print(child.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    owner = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(HOME / "lib")},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert owner.returncode == -signal.SIGKILL
    assert eventually(lambda: not is_alive(int(owner.stdout)))


def test_a_program_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(LaunchError, match=r"the broker could not be started: .*absent"):
        Child("the broker", [str(tmp_path / "absent")], tmp_path / "log")


def test_the_last_lines_are_those_that_say_something(start: Start) -> None:
    child = start("printf 'one\\n\\n  two \\n\\nthree\\n \\n'")
    assert eventually(lambda: not child.is_running)
    assert child.last_lines() == "one | two | three"
    assert child.last_lines(2) == "two | three"


@pytest.mark.parametrize(
    ("output", "complaint"),
    [
        ("", "it said nothing"),
        ("\n \n", "it said nothing"),
        ("starting\ngave up\n", "gave up"),
        (
            "a\njava.io.IOException: no disk\n\tat x.y(Z.java:1)\nbye",
            "java.io.IOException: no disk",
        ),
        (
            ":: problems ::\n\t\tunresolved dependency: a#b;1: not found\nlast",
            "unresolved dependency: a#b;1: not found",
        ),
    ],
)
def test_a_java_program_s_complaint_is_its_first_exception(output: str, complaint: str) -> None:
    assert complaint_in(output) == complaint
