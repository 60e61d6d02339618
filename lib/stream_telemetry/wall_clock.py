"""Notices that the wall clock was set: virtual machines and time services do that."""

from __future__ import annotations

import time
from collections.abc import Callable

STEP_SECONDS = 5.0
"""Less is not worth a word: a query that is started again takes as long."""


class WallClock:
    """Compares the wall clock to the monotonic one, which nobody can set, from look to look."""

    def __init__(
        self,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Takes the first look.

        Args:
            wall: seconds since 1970.
            monotonic: seconds since any moment.
        """
        self._wall = wall
        self._monotonic = monotonic
        self._least, self._most = self._distance()

    def step(self) -> float:
        """Seconds by which it went ahead since the last look beyond the time that passed.

        Negative when it was set back; 0 when it moved by less than `STEP_SECONDS`.
        """
        least, most = self._distance()
        back, ahead = most - self._least, least - self._most
        self._least, self._most = least, most
        if back < -STEP_SECONDS:
            return back
        return ahead if ahead > STEP_SECONDS else 0.0

    def _distance(self) -> tuple[float, float]:
        """Between which two values the clocks' difference lies."""
        # A process may be halted between two reads; that must not look like a step.
        before, wall, after = self._monotonic(), self._wall(), self._monotonic()
        return wall - after, wall - before
