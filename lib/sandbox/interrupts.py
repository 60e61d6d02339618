"""Ctrl-C and SIGTERM: the first asks for an orderly end, the second ends at once."""

from __future__ import annotations

import os
import signal
from types import FrameType
from typing import Any, Final, Self

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
KILLED_BY_CTRL_C: Final = 130


class Interrupted(Exception):
    """Somebody asked this process to end."""


class Interrupts:
    """Notes signals while it is in force; `check()` turns them into an exception at a safe point.

    An exception out of the signal handler itself could strike between the start of a process and
    the line that remembers it.
    """

    def __init__(self) -> None:
        self._is_requested = False
        self._previous: dict[signal.Signals, Any] = {}

    def check(self) -> None:
        """Does nothing until a signal has come.

        Raises:
            Interrupted: once it has.
        """
        if self._is_requested:
            raise Interrupted

    def __enter__(self) -> Self:
        self._previous = {number: signal.signal(number, self._note) for number in _SIGNALS}
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self._is_requested:
            # The watchdogs of `launcher.child` kill what is left running.
            os._exit(KILLED_BY_CTRL_C)
        self._is_requested = True
