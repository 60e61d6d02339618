"""Plays a scenario: waits until all is well, does it, waits for its alert, and takes it back."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator

from sandbox.errors import SandboxError
from sandbox.show.scenarios import Scenario, Stage

_CALM_SECONDS = 20.0
"""In which the rules get to know a job that is well."""
_SHOWN_SECONDS = 15.0
"""For which an alert is left to be looked at."""
LIMIT_SECONDS = 240.0
"""Within which an alert fires, and ends."""


class Play:
    """One scenario, a step at a time: the sandbox has other things to look after meanwhile."""

    def __init__(self, scenario: Scenario, stage: Stage, is_firing: Callable[[], bool]) -> None:
        self._scenario = scenario
        self._stage = stage
        self._is_firing = is_firing
        self._acts = self._play()
        self.is_over = False

    def new_lines(self) -> Iterator[str]:
        """What has happened since, for a person.

        Raises:
            SandboxError: the alert does not fire, or does not end.
        """
        if line := next(self._acts, None):
            yield line

    def _play(self) -> Iterator[str | None]:
        """Yields None as long as there is nothing to say."""
        scenario = self._scenario
        yield from _pause(_CALM_SECONDS)
        yield f"\nScenario: {scenario.happens}. Look: {scenario.look}."
        scenario.begin(self._stage)
        seconds = yield from self._await(firing=True)
        yield f"  {scenario.alert} fires, {seconds:.0f} s after"
        yield from _pause(_SHOWN_SECONDS)
        scenario.end(self._stage)
        yield "  The fault is mended."
        seconds = yield from self._await(firing=False)
        self.is_over = True
        yield f"  {scenario.alert} has ended, {seconds:.0f} s after. Ctrl-C stops everything.\n"

    def _await(self, *, firing: bool) -> Generator[None, None, float]:
        """Returns after how many seconds it was so."""
        begun = time.monotonic()
        while self._is_firing() is not firing:
            if time.monotonic() - begun > LIMIT_SECONDS:
                verb = "fire" if firing else "end"
                raise SandboxError(
                    f"alert {self._scenario.alert} did not {verb} within {LIMIT_SECONDS:.0f} s"
                )
            yield None
        return time.monotonic() - begun


def _pause(seconds: float) -> Iterator[None]:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        yield None
