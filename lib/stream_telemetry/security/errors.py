"""What is wrong with a file of Kafka's settings."""

from __future__ import annotations

from stream_telemetry.errors import TelemetryError


class KafkaConfigError(TelemetryError, ValueError):
    """The file cannot be used; one line: what is wrong, the value seen, what to do.

    A ValueError too, so that it is an option's error where an option names the file. No secret is
    in its text.
    """
