"""The metrics of a shadow: counters that batches move, and figures that each scrape computes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from stream_telemetry.drift.latest import Figure, Latest
from stream_telemetry.drift.settings import DriftSettings
from stream_telemetry.metrics import of_model
from stream_telemetry.metrics.store import MetricStore
from stream_telemetry.shadow.comparison import ShadowCounting, ShadowCounts


class ShadowWatch:
    """Tells how a shadow's answers differ from those of the model that decides."""

    def __init__(
        self,
        counting: ShadowCounting,
        settings: DriftSettings,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Knows of no record yet.

        Args:
            counting: how the plan counts.
            settings: how many records a figure takes, and which.
            clock: monotonic seconds.
        """
        self.counting = counting
        self._least = settings.drift_least_records
        self._latest = Latest(counting.none, settings, clock)

    def declare(self, store: MetricStore) -> None:
        """Makes the counters exist."""
        answers, shadows = of_model.ANSWERS, of_model.SHADOW_ANSWERS
        pairs = [(decided, shadow) for decided in answers for shadow in shadows]
        store.declare(of_model.SHADOW_RECORDS, pairs)
        if self.counting.has_labels:
            pairs = [(shadow, label) for shadow in shadows for label in answers]
            store.declare(of_model.SHADOW_LABELLED, pairs)

    def take(self, counts: ShadowCounts, store: MetricStore) -> None:
        """Adds a batch to windows and counters; figures follow with the next scrape."""
        self._latest.add(counts)
        by_decision = counts.outcomes.sum(axis=0)
        for decided, found in zip(of_model.ANSWERS, by_decision, strict=True):
            for shadow, records in zip(of_model.SHADOW_ANSWERS, found, strict=True):
                store.add(of_model.SHADOW_RECORDS, float(records), decided, shadow)
        if self.counting.has_labels:
            by_label = counts.outcomes[1:].sum(axis=1)
            for label, found in zip(of_model.ANSWERS, by_label, strict=True):
                for shadow, records in zip(of_model.SHADOW_ANSWERS, found, strict=True):
                    store.add(of_model.SHADOW_LABELLED, float(records), shadow, label)

    def show(self, store: MetricStore) -> None:
        """Sets the figures as they are at this moment; those that cannot be told vanish."""
        self._latest.show(store, self._figures)

    def withdraw(self, store: MetricStore) -> None:
        """Takes the figures away: the shadow is compared to another model from now on."""
        for metric in of_model.SHADOW_FIGURES:
            store.forget(metric)

    def _figures(self, counts: ShadowCounts) -> Iterator[Figure]:
        scores, differences, errors = map(float, counts.sums)

        def mean(total: float, records: int) -> float | None:
            return total / records if records >= self._least else None

        yield of_model.SHADOW_POSITIVES, mean(counts.positive, counts.scored)
        yield of_model.SHADOW_MEAN_SCORE, mean(scores, counts.scored)
        yield of_model.SHADOW_DISAGREEMENT, mean(counts.disagreeing, counts.scored)
        yield of_model.SHADOW_DIFFERENCE, mean(differences, counts.scored)
        if self.counting.has_labels:
            yield of_model.SHADOW_BRIER, mean(errors, counts.labelled)
