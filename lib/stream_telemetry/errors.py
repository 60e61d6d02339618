"""What can go wrong for somebody who sets telemetry up."""

from __future__ import annotations


class TelemetryError(Exception):
    """A setting of the telemetry cannot be used; one line: what, the value seen, what to do."""

    exit_code = 2
