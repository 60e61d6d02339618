"""What a person should know besides how the query is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from stream_telemetry.live.condition import MANY_REFUSED, MOST_REFUSED, Facts, Level
from stream_telemetry.metrics import catalogue
from stream_telemetry.metrics.metric import Metric
from stream_telemetry.metrics.store import MetricStore

_NO_RESERVE = 0.95


class Notice(NamedTuple):
    """One thing to know.

    Attributes:
        name: of its kind.
        level: how bad it is.
        text: a sentence.
    """

    name: str
    level: Level
    text: str


@dataclass(frozen=True)
class _Counted:
    metric: Metric
    notice: str
    level: Level
    text: str


_COUNTS = (
    _Counted(
        catalogue.RECORDS_LOST,
        "records lost",
        "bad",
        "Kafka deleted {:,.0f} records before they were read, since the job started.",
    ),
    _Counted(
        catalogue.UNACCOUNTED,
        "records unaccounted for",
        "bad",
        "{:,.0f} records were read and not seen leaving, or the other way round.",
    ),
    _Counted(
        catalogue.LISTENER_ERRORS,
        "figures missing",
        "warning",
        "{:,.0f} of Spark's events could not be evaluated; their figures are missing here.",
    ),
    _Counted(
        catalogue.HELD_BACK,
        "records held back",
        "warning",
        "{:,.0f} offsets are held back by an open transaction of a producer.",
    ),
    _Counted(
        catalogue.COMMIT_ERRORS,
        "progress not committed",
        "warning",
        "Progress could not be committed to the group {:,.0f} times; Spark's own is safe.",
    ),
)


def notices(facts: Facts, store: MetricStore) -> Iterator[Notice]:
    """All that holds now, the worst first within each kind.

    Args:
        facts: what is known of the query.
        store: has the counts.
    """
    if facts.checks.get("telemetry") == "fail":
        yield Notice(
            "telemetry ill",
            "bad",
            "A thread of the telemetry does not do its work, so figures here may be of the past; "
            "stream_worker_up in the metrics says which.",
        )
    if facts.checks.get("model_loaded") == "fail":
        yield Notice("no model", "bad", "The model is not loaded.")
    for counted in _COUNTS:
        if number := store.total(counted.metric):
            yield Notice(counted.notice, counted.level, counted.text.format(number))
    if MANY_REFUSED < facts.refused_share < MOST_REFUSED:
        share = f"{facts.refused_share * 100:.1f} %"
        text = f"{share} of the last {facts.read:,} records became dead letters."
        yield Notice("many refused", "warning", text)
    if facts.read and (busy := store.value(catalogue.BUSY_RATIO)) >= _NO_RESERVE:
        text = f"Batches take {busy * 100:.0f} % of the time: there is no reserve left."
        yield Notice("no reserve", "warning", text)
