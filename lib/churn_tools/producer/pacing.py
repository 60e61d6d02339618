"""Spreads events evenly over time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

LONGEST_CATCH_UP_SECONDS: Final = 1.0
"""A longer delay is forgiven, so that a pause is not followed by a flood."""


class Pacer:
    """Tells when the next event is due, so that many of them keep a rate exactly.

    Due times are counted from the first one on, not from the last event: a sleep that lasts too
    long is made up for by the next ones.
    """

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Starts with the first event due at once.

        Args:
            rate: events per second; 0 for no limit.
            clock: monotonic seconds.
        """
        self._interval_seconds = 1 / rate if rate else 0.0
        self._clock = clock
        self._due = clock()

    def delay_seconds(self) -> float:
        """How long until the next event is due; 0 when it is due now."""
        now = self._clock()
        self._due = max(self._due, now - LONGEST_CATCH_UP_SECONDS)
        return max(0.0, self._due - now)

    def count_event(self) -> None:
        """Notes that the event that was due is on its way."""
        self._due += self._interval_seconds
