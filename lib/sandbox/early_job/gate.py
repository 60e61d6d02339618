"""The gate at which a job that was started early waits until it is told to begin."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

HELD_JOB = Path(__file__).with_name("held.py")
"""What spark-submit has to run for a job that waits at a gate."""
_VARIABLE = "SANDBOX_GATE"
_POLL_SECONDS = 0.02


class Gate:
    """A file that appears when the job may go on, and holds the rest of its command line."""

    def __init__(self, path: Path) -> None:
        """A gate that is closed as long as nothing is at `path`."""
        self._path = path

    @property
    def environment(self) -> Mapping[str, str]:
        """What the waiting process needs in its environment."""
        return {_VARIABLE: str(self._path)}

    def open(self, words: Sequence[str]) -> None:
        """Lets the job go on, with these further words on its command line."""
        new = self._path.with_suffix(".new")
        new.write_text(json.dumps(list(words)), "utf-8")
        new.replace(self._path)


def passed(environment: Mapping[str, str] = os.environ) -> list[str]:
    """Waits until the gate in the environment is open; gives the words that came through it.

    It is for whoever started this process to end it, should that never be.
    """
    path = Path(environment[_VARIABLE])
    while not path.exists():
        time.sleep(_POLL_SECONDS)
    words: list[str] = json.loads(path.read_text("utf-8"))
    return words
