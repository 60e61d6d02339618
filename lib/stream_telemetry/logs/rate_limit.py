"""How many lines may be written by now."""

from __future__ import annotations

import time
from collections.abc import Callable


class RateLimit:
    """So many a second; what is not used may be used within the second that follows."""

    def __init__(self, per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_second = per_second
        self._clock = clock
        self._left = per_second
        self._at = clock()

    def take(self) -> bool:
        """Whether one more may be written; if so, it is taken off."""
        now = self._clock()
        self._left = min(self._per_second, self._left + (now - self._at) * self._per_second)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
