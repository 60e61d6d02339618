"""A process that is killed while it is under watch; below a JVM: `test_stopped_starts.py`."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

BLOCK = """
import os, sys
from telco_churn.last_words import told_when_killed

with told_when_killed("test"):
    {body}
"""


def last_words(body: str) -> tuple[int, str]:
    script = BLOCK.format(body=body)
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    return run.returncode, run.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize(
    "kill", ["os.kill(os.getpid(), {})", "os.execvp('sh', ['sh', '-c', 'kill -{} $$'])"]
)
def test_a_sudden_end_is_told_whatever_the_process_has_become(number: int, kill: str) -> None:
    code, said = last_words(kill.format(number))
    assert code == -number
    assert said.startswith("test: ended before the job had begun, by a signal")
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize(("body", "code"), [("pass", 0), ("sys.exit(7)", 7)])
def test_an_end_of_the_block_is_nobody_elses_to_tell(body: str, code: int) -> None:
    assert last_words(body) == (code, "")


def test_nobody_is_left_behind_and_the_watched_process_has_no_child() -> None:
    children = "open(f'/proc/self/task/{os.getpid()}/children').read()"
    code, said = last_words(f"sys.exit({children} or 0)")
    assert (code, said) == (0, "")
