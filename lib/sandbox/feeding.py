"""The producer that feeds the sandbox with made-up customers."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from launcher.child import Child
from sandbox.plan import FeedSettings
from telco_churn.paths import project_home

_PRODUCER: Final = project_home() / "jobs" / "produce_customers.py"
_STOP_SECONDS: Final = 10.0


class Feeding:
    """One producer at a time.

    Attributes:
        child: its process; None before the first one and after the last.
        has_begun: whether there was one.
    """

    def __init__(
        self, settings: FeedSettings, topic: str, way_in: Callable[[], Sequence[str]], log: Path
    ) -> None:
        """Starts nothing yet.

        Args:
            settings: how fast, how many, and how many of them broken.
            topic: that they go to.
            way_in: gives the options by which the producer reaches the broker.
            log: gets its output.
        """
        self.child: Child | None = None
        self.has_begun = False
        self._settings = settings
        self._topic = topic
        self._way_in = way_in
        self._log = log

    def start(self, events: int, rate: float, *options: str) -> Child:
        """Feeds from now on, in place of what was fed before.

        Args:
            events: how many; 0 for no end.
            rate: events a second; 0 for as fast as it can.
            options: of the producer, which win.
        """
        self.stop()
        command = [
            *(sys.executable, str(_PRODUCER)),
            *(*self._way_in(), "--topic", self._topic),
            *("--synthetic", str(events), "--rate", f"{rate:g}"),
            # Broken records are to reach the job, so the producer does not check them.
            *("--bad-ratio", f"{self._settings.bad_ratio:g}", "--no-validate"),
            *options,
        ]
        self.has_begun = True
        self.child = Child("the producer", command, self._log)
        return self.child

    def stream(self, *options: str) -> Child:
        """Feeds as the settings say; `options` of the producer win."""
        return self.start(self._settings.events or 0, self._settings.rate, *options)

    def stop(self) -> None:
        """Ends the producer once what it has begun is sent."""
        if self.child:
            self.child.stop(_STOP_SECONDS)
            self.child = None

    def forget(self) -> None:
        """Takes leave of a producer that has ended by itself; this dismisses its watchdog."""
        if self.child:
            self.child.kill()
            self.child = None
