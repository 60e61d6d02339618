"""SIGINT and SIGTERM as a request that a command asks for where it can end in order."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass
class StopRequest:
    """Becomes true when a signal asks the run to end."""

    is_made: bool = False


@contextmanager
def stop_on_signals() -> Iterator[StopRequest]:
    """A block in which the first signal is a request; a second one ends the process at once."""
    stop = StopRequest()

    def restore() -> None:
        """Puts the actions before ours back."""
        for number, action in before.items():
            signal.signal(number, action)

    def request_stop(_number: int, _frame: FrameType | None) -> None:
        """Asks for a stop at the first signal."""
        stop.is_made = True
        # So that a second signal ends the process at once.
        restore()

    before = {number: signal.signal(number, request_stop) for number in _SIGNALS}
    try:
        yield stop
    finally:
        restore()
