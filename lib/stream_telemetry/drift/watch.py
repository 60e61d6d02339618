"""The metrics of a model: counters that batches move, and figures that each scrape computes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np

from stream_telemetry.drift.accuracy import Accuracy
from stream_telemetry.drift.counting import ONE_IN, ModelCounting, ModelCounts
from stream_telemetry.drift.latest import Figure, Latest
from stream_telemetry.drift.reference import Counts
from stream_telemetry.drift.settings import DriftSettings
from stream_telemetry.drift.stability import records_needed, stability_index
from stream_telemetry.metrics import of_model
from stream_telemetry.metrics.store import MetricStore


class ModelWatch:
    """Tells whether what a model sees is what it was fitted to, and whether it is right.

    There is no figure while too few records are there to tell: its series does not exist then.
    """

    def __init__(
        self,
        counting: ModelCounting,
        settings: DriftSettings,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Knows of no record yet.

        Args:
            counting: how the plan counts.
            settings: how many records it takes, and which.
            clock: monotonic seconds.
        """
        self.counting = counting
        self._least, self._most = settings.drift_least_records, settings.drift_records
        self._latest = Latest(counting.none, settings, clock)

    @property
    def untold(self) -> tuple[str, ...]:
        """What no drift will be told of: training left no shares of it, or of too few records."""
        reference = self.counting.reference
        sampled = self._most / ONE_IN
        known = reference.known.items()
        vague = [name for name, one in known if self._needed(one.expected) > sampled]
        scores = np.array(reference.scores)
        is_told = len(scores) and self._needed(scores) <= self._most
        return (*reference.unknown, *vague, *([] if is_told else ["the scores"]))

    def declare(self, store: MetricStore) -> None:
        """Makes the counters exist."""
        reference, labels = self.counting.reference, self.counting.labels
        store.declare(of_model.SCORE)
        if labels:
            pairs = [(decided, label) for decided in of_model.ANSWERS for label in of_model.ANSWERS]
            store.declare(of_model.LABELLED, pairs)
            if reference.brier is not None:
                store.set(of_model.EXPECTED_BRIER, reference.brier)

    def take(self, counts: ModelCounts, store: MetricStore) -> None:
        """Adds a batch to windows and counters; figures follow with the next scrape."""
        self._latest.add(counts)
        # None is above the last bound.
        buckets = [*counts.by_tenth.astype(int).tolist(), 0]
        store.merge(of_model.SCORE, buckets, float(counts.sums[0]))
        if self.counting.labels:
            for label, of_label in zip(of_model.ANSWERS, counts.outcomes[1:], strict=True):
                for decided, scored in zip(of_model.ANSWERS, of_label, strict=True):
                    store.add(of_model.LABELLED, float(scored.sum()), decided, label)

    def show(self, store: MetricStore) -> None:
        """Sets the figures as they are at this moment; those that cannot be told vanish."""
        self._latest.show(store, self._figures)

    def withdraw(self, store: MetricStore) -> None:
        """Takes the figures away: another model is watched from now on."""
        for metric in (of_model.EXPECTED_BRIER, *of_model.FIGURES):
            store.forget(metric)

    def counts(self, window: str) -> ModelCounts:
        """The counts of the records that a window, one of `of_model.WINDOWS`, holds now."""
        return self._latest.counts(window)

    def _figures(self, counts: ModelCounts) -> Iterator[Figure]:
        reference = self.counting.reference
        yield of_model.WINDOW, float(counts.records)
        is_enough = counts.records >= self._least
        positives, scores = float(counts.outcomes[:, 1].sum()), float(counts.sums[0])
        yield of_model.POSITIVES, positives / counts.records if is_enough else None
        yield of_model.MEAN_SCORE, scores / counts.records if is_enough else None

        def stability(expected: Counts, found: Counts) -> float | None:
            can_be_told = is_enough and found.sum() >= self._needed(expected)
            return stability_index(expected, found) if can_be_told else None

        if len(reference.scores):
            yield of_model.SCORE_PSI, stability(np.array(reference.scores), counts.by_tenth)
        for name, expected, found in reference.binned(counts.cells):
            yield of_model.FEATURE_PSI, stability(expected, found), name
        if self.counting.labels:
            yield from _of_accuracy(Accuracy(counts, self._least))

    def _needed(self, expected: Counts) -> float:
        return records_needed(expected, self.counting.reference.rows)


def _of_accuracy(accuracy: Accuracy) -> Iterator[Figure]:
    yield of_model.LABELS, float(accuracy.labelled)
    yield of_model.PRECISION, accuracy.precision
    yield of_model.RECALL, accuracy.recall
    yield of_model.BRIER, accuracy.brier
    for tenth, rate in zip(of_model.SCORE_TENTHS, accuracy.calibration, strict=True):
        yield of_model.CALIBRATION, rate, tenth
