"""The metrics that labels make: what became of each, and how right each model was."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from churn_tools.labels.observed_labels import (
    FIRST,
    JUDGED,
    MISSING,
    MODEL,
    PAIRS,
    REPEATED,
    UNMATCHED,
    refused_in,
)
from stream_telemetry.drift.counting import TENTHS, ModelCounting, ModelCounts
from stream_telemetry.drift.reference import Reference
from stream_telemetry.drift.settings import DriftSettings
from stream_telemetry.drift.watch import ModelWatch
from stream_telemetry.metrics import of_model
from stream_telemetry.metrics.store import MetricStore

MOST_VERSIONS = 8
"""Models whose figures are kept; the one that was used longest ago goes first."""
_THOUSAND = 1000

Rows = Mapping[str, Mapping[str, Any]]


class LabelFigures:
    """Counts labels, and tells how right the model is that has made the newest predictions.

    Labels that come for predictions of another model count for that one: if it scores again, its
    figures are there.
    """

    def __init__(
        self,
        places: Iterable[str],
        settings: DriftSettings,
        expected_brier: Callable[[str], float | None],
        logger: logging.Logger,
    ) -> None:
        """Knows of no label yet.

        Args:
            places: where refused records may be told of.
            settings: how many labels a figure takes.
            expected_brier: the Brier score that a model of this version was made with, if known.
            logger: gets a line for each refused record that is told of.
        """
        self._places = tuple(places)
        self._settings = settings
        self._expected_brier = expected_brier
        self._log = logger
        self._watches: dict[str, ModelWatch] = {}
        self._version: str | None = None

    def declare(self, store: MetricStore) -> None:
        """Makes the counters exist."""
        store.declare(of_model.LABEL_FATES, [(fate,) for fate in of_model.FATES])
        self._watch_of("").declare(store)

    def take(self, rows: Rows, store: MetricStore) -> None:
        """Adds a batch."""
        first = rows.get(FIRST, {})
        judged = first.get(JUDGED) or 0
        pairs = rows.get(PAIRS, {}).get(JUDGED) or 0
        counts = judgements_in(first.get("judgements") or [])
        with store.together():
            for fate in (JUDGED, MISSING, UNMATCHED):
                store.add(of_model.LABEL_FATES, first.get(fate) or 0, fate)
            store.add(of_model.LABEL_FATES, pairs - judged, REPEATED)
            self._turn_to(rows.get(MODEL, {}).get("version") or next(iter(counts), None), store)
            for version, of_version in counts.items():
                self._watch_of(version).take(of_version, store)
        told = sum(of_version.records for of_version in counts.values())
        if told != judged:
            self._log.warning(
                "of %d judged predictions of a batch %d count for their models: they were of too "
                "many kinds for one batch (--max-offsets-per-trigger)",
                *(judged, told),
            )
        for place in self._places:
            self._tell_refused(place, rows.get(refused_in(place), {}).get("records") or [])

    def show(self, store: MetricStore) -> None:
        """Sets the figures of the model that scores."""
        if self._version is not None and (watch := self._watches.get(self._version)):
            watch.show(store)

    def _turn_to(self, version: str | None, store: MetricStore) -> None:
        """Another model scores from now on."""
        if version is None or version == self._version:
            return
        if self._version is not None:
            self._watch_of(self._version).withdraw(store)
        self._version = version
        self._watch_of(version).declare(store)

    def _watch_of(self, version: str) -> ModelWatch:
        watch = self._watches.pop(version, None)
        if watch is None:
            reference = Reference(brier=self._expected_brier(version))
            watch = ModelWatch(ModelCounting(reference, of_model.ANSWERS), self._settings)
        # Last in, last out.
        self._watches[version] = watch
        for oldest in [name for name in self._watches if name != self._version][:-MOST_VERSIONS]:
            del self._watches[oldest]
        return watch

    def _tell_refused(self, place: str, records: Iterable[Any]) -> None:
        for record in records:
            self._log.warning(
                "%s %s-%d-%d cannot be read: %s: %s",
                place.removesuffix("s"),
                record["topic"],
                record["partition"],
                record["offset"],
                record["field"] or "message",
                record["code"],
                extra={
                    "event_type": "validation_failure",
                    "error_type": "schema_validation",
                    "topic": record["topic"],
                    "partition": record["partition"],
                    "offset": record["offset"],
                },
            )


def judgements_in(told: Iterable[Any]) -> dict[str, ModelCounts]:
    """The counts of each model's judged predictions, the model with the most of them first.

    Args:
        told: as `approx_top_k` gives them: `item`, the plan's `judgement`, and its `count`.
    """
    outcomes: dict[str, Any] = defaultdict(lambda: np.zeros((3, 2, TENTHS + 1)))
    sums: dict[str, Any] = defaultdict(lambda: np.zeros(2))
    for one in told:
        # Rows without a judgement are counted too, as null.
        if one["item"] is None:
            continue
        label, decided, thousandths, version = one["item"].split(" ", 3)
        score = int(thousandths) / _THOUSAND
        tenth = int(thousandths) * TENTHS // _THOUSAND
        outcomes[version][1 + int(label), int(decided), tenth] += one["count"]
        sums[version] += np.array([score, (score - int(label)) ** 2]) * one["count"]
    counts = {
        version: ModelCounts(of_version, sums[version], np.zeros(1))
        for version, of_version in outcomes.items()
    }
    return dict(sorted(counts.items(), key=lambda item: -item[1].records))
