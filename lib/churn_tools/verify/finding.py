"""How often something was found, and where first."""

from __future__ import annotations

from dataclasses import dataclass, field

from stream_telemetry.broker.read import RecordAddress

NAMED = 5
"""How many records a finding names."""


@dataclass
class Finding:
    """How often something was found, and where first."""

    count: int = 0
    first: list[RecordAddress] = field(default_factory=list)

    def add(self, record: RecordAddress) -> None:
        """Counts one more."""
        self.count += 1
        if len(self.first) < NAMED:
            self.first.append(record)
