"""The settings of watching the model."""

from __future__ import annotations

from dataclasses import dataclass

from stream_telemetry.options import option
from stream_telemetry.values import count


@dataclass(frozen=True, kw_only=True)
class DriftSettings:
    """Watching the model."""

    drift_records: int = option(
        "10000",
        "latest records by which drift and accuracy are judged",
        parse=count(1),
        metavar="N",
    )
    drift_minutes: int = option(
        "60",
        "latest minutes by which they are judged too, at most a day",
        parse=count(1),
        metavar="N",
    )
    drift_least_records: int = option(
        "1000", "with fewer records, or labels, there is no figure", parse=count(1), metavar="N"
    )

    def __post_init__(self) -> None:
        """Raises ValueError when no figure could ever come, or minutes are more than a day."""
        if self.drift_least_records > self.drift_records:
            raise ValueError(
                f"--drift-least-records is {self.drift_least_records} and --drift-records "
                f"{self.drift_records}: so few records would never give a figure; raise the latter"
            )
        if self.drift_minutes > MINUTES_OF_A_DAY:
            raise ValueError(
                f"--drift-minutes is {self.drift_minutes}; use at most {MINUTES_OF_A_DAY}"
            )


MINUTES_OF_A_DAY = 1440
