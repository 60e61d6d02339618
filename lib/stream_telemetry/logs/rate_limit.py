"""How many lines may be written by now, and whether one says anything new."""

from __future__ import annotations

import time
from collections.abc import Callable


class RateLimit:
    """So many a second; an allowance that is not used lasts for one second."""

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


class News:
    """Tells what was said a short while ago from what is news."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._said: dict[str, float] = {}

    def is_news(self, kind: str) -> bool:
        """Whether nothing of this kind was said lately; if so, it is now."""
        now = self._clock()
        # Old kinds are dropped at each call, so that the dictionary cannot grow without end.
        self._said = {k: at for k, at in self._said.items() if now - at < self._seconds}
        is_news = kind not in self._said
        # A repetition does not renew the time, or what repeats would never be news again.
        self._said.setdefault(kind, now)
        return is_news
