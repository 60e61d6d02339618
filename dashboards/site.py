"""What a site chooses for its rules and dashboards: names, labels, thresholds, addresses."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from stream_telemetry.metrics.bounds import END_TO_END_BUCKETS
from stream_telemetry.options import OwnOptions, option
from stream_telemetry.values import number, positive, share, text


def _labels(value: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in value.split(",") if name.strip())
    if wrong := [name for name in names if not re.fullmatch("[a-zA-Z_][a-zA-Z0-9_]*", name)]:
        raise ValueError(f"holds {wrong[0]!r}, which is no name of a label")
    return names


def _plain(value: str) -> str:
    if not re.fullmatch(r"[\w.:/-]+", value):
        raise ValueError("has other characters than letters, digits and _ . : / -")
    return value


def _bound(value: str) -> float:
    seconds = positive(value)
    if seconds not in END_TO_END_BUCKETS:
        known = ", ".join(f"{bound:g}" for bound in END_TO_END_BUCKETS if bound >= 1)
        raise ValueError(f"is no bound of the histogram; use one of {known}")
    return seconds


def _address(value: str) -> str:
    if "#" in value or not value.isprintable() or " " in value:
        raise ValueError("is no address that #alert can be put behind")
    return text(value).rstrip("/")


@dataclass(frozen=True, kw_only=True)
class Names(OwnOptions):
    """Names and addresses."""

    job: str = option(
        "kafka_consumer",
        "scrape job of the consumer; a job of another name is known by its metrics",
        parse=_plain,
        metavar="NAME",
    )
    target: str = option(
        "localhost:8000", "where the job shows its metrics", parse=_plain, metavar="HOST:PORT"
    )
    environment_labels: tuple[str, ...] = option(
        "environment",
        "labels, with commas, that tell environments apart; alerts are grouped by them",
        parse=_labels,
        metavar="NAMES",
    )
    replica_labels: tuple[str, ...] = option(
        "instance,pod",
        "labels that differ between replicas of one job; sums leave them out",
        parse=_labels,
        metavar="NAMES",
    )
    runbook: str = option(
        "docs/runbook.md",
        "address at which docs/runbook.md can be read; each alert links to its entry there",
        parse=_address,
        metavar="URL",
    )


@dataclass(frozen=True, kw_only=True)
class Thresholds(OwnOptions):
    """Thresholds and schedule."""

    error_share: float = option(
        "0.05", "share of refused records from which HighErrorRate fires", parse=share
    )
    slow_seconds: float = option(
        "1", "seconds in the plan from which HighProcessingLatency fires", parse=positive
    )
    lag: float = option(
        "1000", "waiting records from which ConsumerLagIncreasing fires", parse=number()
    )
    throughput: float = option(
        "1", "records a second below which LowThroughput fires; 0: never", parse=number()
    )
    good_objective: float = option(
        "0.99", "share of records that are to become predictions", parse=share
    )
    fresh_objective: float = option(
        "0.99", "share of records that are to be dealt with in time", parse=share
    )
    fresh_seconds: float = option("60", "age of a record up to which that is in time", parse=_bound)
    restarts: float = option(
        "3", "restarts within an hour up to which RestartsTooMany is silent", parse=number()
    )
    psi: float = option(
        "0.25",
        "stability index from which ModelInputDrift and ModelScoreDrift fire",
        parse=positive,
    )
    brier_factor: float = option(
        "1.25",
        "times the expected Brier score from which ModelLessAccurate fires",
        parse=number(1.0),
    )
    batch_seconds: float = option(
        "5",
        "longest interval of the job's --trigger; rules about lag look back over three of them",
        parse=positive,
    )


@dataclass(frozen=True, kw_only=True)
class Site:
    """Everything that the files are written for."""

    names: Names = field(default_factory=Names)
    limits: Thresholds = field(default_factory=Thresholds)

    @property
    def target_labels(self) -> tuple[str, ...]:
        """The labels that say which target it is about."""
        return ("job", "instance", *self.names.environment_labels)

    def window(self, minutes: int) -> str:
        """How far a rule about lag looks back: so many minutes, or three batches if longer."""
        return f"{max(minutes, round(3 * self.limits.batch_seconds / 60))}m"
