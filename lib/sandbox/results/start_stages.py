"""How far a job has come with its start, in words for whoever waits for it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

from telco_churn import QUERY_NAME

STARTED: Final = f"query {QUERY_NAME} started"
"""What the console says of a query that runs."""
_MODEL_READ: Final = "reading "
_SILENT_SECONDS: Final = 15.0
"""After which a console with nothing but warnings is not waited for."""
_STAGES: Final = (
    ("health at http", "the job's telemetry is up"),
    ("Spark's page is at", "Spark is up"),
    (_MODEL_READ, "the model is read"),
    (STARTED, "the query has started"),
    ("batch 0", "the first batch is done"),
)
"""What the job's console says, and what that means."""


class Progress:
    """The stages that the console has told of so far."""

    def __init__(self, console: Path) -> None:
        """Has told nothing yet; seconds count from here.

        Args:
            console: file with the job's output.
        """
        self._console = console
        self._left = list(_STAGES)
        self._begun = time.monotonic()

    @property
    def is_about_to_start(self) -> bool:
        """Whether the query starts next, or has; also if the console does not tell."""
        is_read = all(said != _MODEL_READ for said, _ in self._left)
        return is_read or time.monotonic() - self._begun > _SILENT_SECONDS

    def new_lines(self) -> list[str]:
        """A line for each stage that is reached since."""
        if not self._left or not self._console.exists():
            return []
        text = self._console.read_text("utf-8", errors="replace")
        reached = [stage for stage in self._left if stage[0] in text]
        self._left = [stage for stage in self._left if stage not in reached]
        seconds = time.monotonic() - self._begun
        return [f"  {seconds:4.0f} s  {told}" for _, told in reached]
