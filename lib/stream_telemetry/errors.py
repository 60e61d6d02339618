"""What can go wrong for somebody who sets telemetry up."""

from __future__ import annotations


class TelemetryError(Exception):
    """A setting of the telemetry cannot be used; one line: what, the value seen, what to do."""

    exit_code = 2


class KafkaConfigError(TelemetryError, ValueError):
    """The file of Kafka's settings cannot be used; no secret is in the text.

    A ValueError too, so that it is an option's error where an option names the file.
    """
