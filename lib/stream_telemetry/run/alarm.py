"""How another thread ends the run: it leaves the reason, and the supervising thread raises it."""

from __future__ import annotations


class Alarm:
    """The reason to end the run, once there is one; of several the first one counts."""

    def __init__(self) -> None:
        self._reason: Exception | None = None

    def ring(self, reason: Exception) -> None:
        """Leaves a reason; never waits."""
        self._reason = self._reason or reason

    def check(self) -> None:
        """Raises the reason, if there is one."""
        if self._reason is not None:
            raise self._reason
