"""What is told of a shadow, and when nothing is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from stream_telemetry.drift.settings import DriftSettings
from stream_telemetry.metrics import of_model
from stream_telemetry.metrics.store import MetricStore
from stream_telemetry.shadow.comparison import ShadowCounting, ShadowCounts
from stream_telemetry.shadow.shadow_watch import ShadowWatch

NO, YES, FAILED = range(3)
UNKNOWN = 0


class Watched:
    """A watch of the usual settings, its metrics, and a clock that stands still."""

    def __init__(self, *, has_labels: bool = True) -> None:
        self.now = 0.0
        self.store = MetricStore()
        counting = ShadowCounting(0.5, 0.5, has_labels=has_labels)
        self.watch = ShadowWatch(counting, DriftSettings(), lambda: self.now)
        self.watch.declare(self.store)
        self.store.before_scrapes(lambda: self.watch.show(self.store))
        self._registry = CollectorRegistry()
        self._registry.register(self.store)

    def take(self, outcomes: Mapping[tuple[int, int, int], int], *sums: float) -> Watched:
        counted = np.zeros((3, 2, 3))
        for place, records in outcomes.items():
            counted[place] = records
        self.watch.take(ShadowCounts(counted, np.array(sums)), self.store)
        return self

    def value(self, name: str, **labels: str) -> Any:
        return self._registry.get_sample_value(name, labels)


@pytest.fixture
def compared() -> Watched:
    """Two thousand records, of which each tenth is decided otherwise."""
    return Watched().take(
        {
            **{(UNKNOWN, NO, NO): 700, (1, YES, NO): 150, (2, NO, YES): 50},
            **{(2, YES, YES): 1100, (UNKNOWN, NO, FAILED): 10},
        },
        *(500.0, 40.0, 130.0),
    )


def test_decisions_of_both_and_labels_are_counted(compared: Watched) -> None:
    for decided, shadow, records in (
        *(("no", "no", 700), ("yes", "no", 150), ("no", "yes", 50), ("yes", "yes", 1100)),
        *(("no", "failed", 10), ("yes", "failed", 0)),
    ):
        labels = {"decided": decided, "shadow": shadow}
        assert compared.value("model_shadow_records_total", **labels) == records
    for shadow, label, records in (
        *(("no", "no", 150), ("no", "yes", 0), ("yes", "no", 0), ("yes", "yes", 1150)),
        *(("failed", "no", 0), ("failed", "yes", 0)),
    ):
        labels = {"shadow": shadow, "label": label}
        assert compared.value("model_shadow_labelled_total", **labels) == records


@pytest.mark.parametrize("window", of_model.WINDOWS)
def test_figures_are_of_the_records_that_it_gave_a_probability(
    compared: Watched, window: str
) -> None:
    assert compared.value("model_shadow_positive_ratio", window=window) == 1150 / 2000
    assert compared.value("model_shadow_mean_score", window=window) == 500 / 2000
    assert compared.value("model_shadow_disagreement_ratio", window=window) == 200 / 2000
    assert compared.value("model_shadow_mean_difference", window=window) == 40 / 2000
    assert compared.value("model_shadow_brier_score", window=window) == 130 / 1300


@pytest.mark.parametrize(
    "few", [{(UNKNOWN, NO, NO): 50}, {(UNKNOWN, NO, NO): 50, (UNKNOWN, YES, FAILED): 5000}]
)
def test_few_records_with_a_probability_give_no_figure(few: Any) -> None:
    watched = Watched().take(few, 1.0, 1.0, 0.0)
    for metric in of_model.SHADOW_FIGURES:
        assert watched.store.families()[metric].samples == [], metric.name


def test_few_labels_give_no_error_and_no_labels_no_series_of_any() -> None:
    watched = Watched().take({(UNKNOWN, NO, NO): 2000, (1, NO, NO): 50}, 1.0, 1.0, 1.0)
    assert watched.value("model_shadow_mean_score", window="records") is not None
    assert watched.value("model_shadow_brier_score", window="records") is None
    without = Watched(has_labels=False).take({(UNKNOWN, NO, NO): 2000}, 1.0, 1.0, 0.0)
    assert {m.name for m in without.store.families()} & {
        *("model_shadow_labelled_total", "model_shadow_brier_score")
    } == set()


def test_figures_of_time_vanish_when_nothing_comes_any_more(compared: Watched) -> None:
    compared.now = 3601
    assert compared.value("model_shadow_mean_score", window="time") is None
    assert compared.value("model_shadow_mean_score", window="records") is not None


def test_what_is_withdrawn_leaves_the_counters(compared: Watched) -> None:
    compared.store.refresh()
    compared.watch.withdraw(compared.store)
    assert not any(compared.store.series(metric) for metric in of_model.SHADOW_FIGURES)
    assert compared.store.total(of_model.SHADOW_RECORDS) == 2010
