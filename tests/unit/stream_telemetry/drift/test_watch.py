from __future__ import annotations

from typing import Any

import pytest
from made_counts import REFERENCE, made
from prometheus_client import CollectorRegistry

from stream_telemetry.drift.counting import ModelCounting, ModelCounts
from stream_telemetry.drift.reference import Category, Reference
from stream_telemetry.drift.settings import DriftSettings
from stream_telemetry.drift.watch import ModelWatch
from stream_telemetry.metrics import of_model
from stream_telemetry.metrics.store import MetricStore

LABELS = ("No", "Yes")
COUNTED = (of_model.WINDOW, of_model.LABELS)


class Watched:
    """A watch of the usual settings, its metrics, and a clock that stands still."""

    def __init__(self, reference: Reference = REFERENCE, labels: tuple[str, ...] = LABELS) -> None:
        self.now = 0.0
        self.store = MetricStore()
        counting = ModelCounting(reference, labels)
        self.watch = ModelWatch(counting, DriftSettings(), lambda: self.now)
        self.watch.declare(self.store)
        self.store.before_scrapes(lambda: self.watch.show(self.store))
        self._registry = CollectorRegistry()
        self._registry.register(self.store)

    def take(self, counts: ModelCounts) -> Watched:
        self.watch.take(counts, self.store)
        return self

    def value(self, name: str, **labels: str) -> Any:
        return self._registry.get_sample_value(name, labels)


@pytest.mark.parametrize("window", of_model.WINDOWS)
def test_fifty_records_give_no_value_at_all(window: str) -> None:
    watched = Watched().take(made(50, labelled={("yes", 1, 6): 50}))
    assert watched.value("model_window_records", window=window) == 50
    for metric in of_model.FIGURES:
        if metric not in COUNTED:
            assert watched.store.families()[metric].samples == [], metric.name


@pytest.mark.parametrize("window", of_model.WINDOWS)
def test_enough_records_as_in_training_give_an_index_of_next_to_nothing(window: str) -> None:
    watched = Watched()
    for _ in range(10):
        watched.take(made(100))
    assert watched.value("model_feature_psi", feature="contract", window=window) < 0.001
    assert watched.value("model_feature_psi", feature="tenure", window=window) < 0.001
    assert watched.value("model_score_psi", window=window) < 0.001
    assert watched.value("model_mean_score", window=window) == pytest.approx(0.25)
    assert watched.value("model_positive_ratio", window=window) == 0


def test_another_mix_of_one_feature_shows_in_its_index_alone() -> None:
    watched = Watched().take(made(2000, month=0.1, year=0.9))
    drifted = watched.value("model_feature_psi", feature="contract", window="records")
    # -0.4 ln 0.2 + 0.4 ln 1.8
    assert drifted == pytest.approx(0.8789, abs=1e-3)
    assert watched.value("model_feature_psi", feature="tenure", window="records") < 0.001


def test_what_training_has_never_seen_is_drift_too() -> None:
    watched = Watched().take(made(2000, month=0.4, year=0.4))
    assert watched.value("model_feature_psi", feature="contract", window="records") > 1


def test_figures_of_time_vanish_when_nothing_comes_any_more() -> None:
    watched = Watched().take(made(2000, labelled={("yes", 1, 6): 2000}))
    watched.now = 3601
    for name in ("model_mean_score", "model_precision_ratio", "model_score_psi"):
        assert watched.value(name, window="time") is None
        assert watched.value(name, window="records") is not None
    assert watched.value("model_window_records", window="time") == 0
    watched.now = 86_401
    assert watched.value("model_mean_score", window="records") is None


def test_an_index_needs_records_whose_features_were_counted() -> None:
    # Two bins may take half the records that three take.
    watched = Watched().take(made(2000, sampled=60))
    assert watched.value("model_score_psi", window="records") < 0.001
    assert watched.value("model_feature_psi", feature="contract", window="records") is not None
    assert watched.value("model_feature_psi", feature="tenure", window="records") is None
    watched.take(made(1000, sampled=30))
    assert watched.value("model_feature_psi", feature="tenure", window="records") is not None


def test_scores_are_a_histogram_of_all_good_records() -> None:
    watched = Watched().take(made(labelled={("", 0, 0): 3, ("yes", 1, 9): 3, ("no", 1, 10): 1}))
    buckets = [watched.value("model_score_bucket", le=f"{n / 10}") for n in (1, 2, 9, 10)]
    assert buckets == [3, 3, 3, 7]
    assert watched.value("model_score_count") == 7


CONFUSION = {
    **{("no", 0, 1): 700, ("yes", 0, 1): 100},
    **{("no", 1, 5): 50, ("yes", 1, 5): 150, ("", 1, 5): 500},
}


def test_labels_give_confusion_counts_precision_recall_and_calibration() -> None:
    watched = Watched().take(made(labelled=CONFUSION))
    counts = {
        (decided, label): watched.value("model_labelled_total", decided=decided, label=label)
        for decided in of_model.ANSWERS
        for label in of_model.ANSWERS
    }
    assert counts == {
        **{("no", "no"): 700, ("no", "yes"): 100},
        **{("yes", "no"): 50, ("yes", "yes"): 150},
    }
    assert watched.value("model_precision_ratio", window="records") == 150 / 200
    assert watched.value("model_recall_ratio", window="records") == 150 / 250
    assert watched.value("model_brier_score", window="records") == 0.125
    assert watched.value("model_expected_brier_score") == 0.1
    for tenth, rate in (("0.2", 100 / 800), ("0.6", 150 / 200), ("0.3", None)):
        assert watched.value("model_calibration_ratio", score=tenth, window="records") == rate


def test_a_share_of_few_labels_has_no_value_though_there_are_many_others() -> None:
    watched = Watched().take(made(labelled={("no", 0, 2): 5000, ("yes", 1, 6): 99}))
    assert watched.value("model_brier_score", window="records") is not None
    assert watched.value("model_precision_ratio", window="records") is None
    assert watched.value("model_recall_ratio", window="records") is None


def test_without_labels_there_is_nothing_about_accuracy() -> None:
    watched = Watched(labels=()).take(made(5000))
    names = {family.name for family in watched.store.families().values()}
    assert "model_score_psi" in names
    assert names.isdisjoint({"model_labelled", "model_precision_ratio", "model_brier_score"})


def test_figures_of_a_model_that_is_replaced_vanish() -> None:
    watched = Watched().take(made(2000, labelled=CONFUSION))
    watched.watch.withdraw(watched.store)
    watched.watch = Watched(Reference(), labels=()).watch
    gauges = [f for m, f in watched.store.families().items() if m.kind == "gauge"]
    assert {one.name for one in gauges if one.samples} == {"model_window_records"}
    assert watched.value("model_score_count") == 1500


def test_what_no_drift_can_be_told_of_is_named() -> None:
    shares = {f"v{number}": 1 / 400 for number in range(400)}
    odd = Reference({"many": Category(shares), "few": Category({"a": 1.0}), "none": Category({})})
    assert Watched(odd).watch.untold == ("none", "many", "the scores")
    assert Watched().watch.untold == ()
    watched = Watched(odd)
    assert watched.store.families()  # a scrape works all the same


@pytest.mark.parametrize(
    "settings",
    [{"drift_least_records": 10_001}, {"drift_minutes": 1441}],
)
def test_settings_that_can_give_no_figure_are_refused(settings: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="--drift-"):
        DriftSettings(**settings)
