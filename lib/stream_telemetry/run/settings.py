"""The settings of a query's life."""

from __future__ import annotations

from dataclasses import dataclass

from stream_telemetry.options import option
from stream_telemetry.values import count


@dataclass(frozen=True, kw_only=True)
class SupervisionSettings:
    """Start and restarts."""

    start_timeout: int = option(
        "600",
        "seconds that a cluster may leave the job without an executor, at the start and later",
        parse=count(1),
        metavar="SECONDS",
    )

    max_restarts: int = option(
        "5",
        "restarts without progress before the job gives up; 0: a failure ends it",
        parse=count(),
        metavar="N",
    )
