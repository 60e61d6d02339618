from __future__ import annotations

import logging

import numpy as np
import pytest

from churn_tools.labels.label_figures import MOST_VERSIONS, LabelFigures, judgements_in
from churn_tools.labels.observed_labels import FIRST, JUDGED, MODEL, PAIRS
from stream_telemetry.drift.settings import DriftSettings
from stream_telemetry.metrics import of_model
from stream_telemetry.metrics.store import MetricStore

SETTINGS = DriftSettings(drift_records=1000, drift_least_records=10)


def figures() -> tuple[LabelFigures, MetricStore]:
    store = MetricStore()
    made = LabelFigures(("labels",), SETTINGS, {"b": 0.1}.get, logging.getLogger("label-accuracy"))
    made.declare(store)
    return made, store


def told(count: int, text: str | None) -> dict[str, object]:
    return {"item": text, "count": count}


def batch(
    *judgements: dict[str, object], version: str | None = None
) -> dict[str, dict[str, object]]:
    judged = sum(int(str(one["count"])) for one in judgements if one["item"])
    return {
        PAIRS: {JUDGED: judged},
        FIRST: {JUDGED: judged, "judgements": list(judgements)},
        MODEL: {"version": version},
    }


def test_judgements_are_counted_by_model_label_decision_and_tenth() -> None:
    counts = judgements_in(
        [told(2, "1 1 1000 a"), told(3, "0 1 500 a b"), told(1, "0 0 499 a b"), told(9, None)]
    )
    assert list(counts) == ["a b", "a"]
    assert counts["a"].outcomes[2, 1, 10] == 2
    assert counts["a b"].outcomes[1, 1, 5] == 3
    assert counts["a b"].outcomes[1, 0, 4] == 1
    assert counts["a b"].sums == pytest.approx(np.array([1.999, 3 * 0.25 + 0.499**2]))


def test_all_counters_are_there_before_a_label_is() -> None:
    _, store = figures()
    assert set(store.series(of_model.LABEL_FATES)) == {(fate,) for fate in of_model.FATES}
    assert sum(store.series(of_model.LABELLED).values()) == 0
    assert len(store.series(of_model.LABELLED)) == 4


def test_there_is_no_figure_of_too_few_labels() -> None:
    made, store = figures()
    made.take(batch(told(9, "1 1 800 a")), store)
    made.show(store)
    assert ("records",) not in store.series(of_model.BRIER)
    made.take(batch(told(1, "1 1 800 a")), store)
    made.show(store)
    assert store.value(of_model.BRIER, "records") == pytest.approx(0.04)


def test_figures_go_with_their_model_and_so_does_what_is_expected_of_it() -> None:
    made, store = figures()
    made.take(batch(told(10, "1 1 800 a"), version="a"), store)
    made.show(store)
    assert store.series(of_model.EXPECTED_BRIER) == {}
    made.take(batch(version="b"), store)
    made.show(store)
    assert store.series(of_model.BRIER) == {}
    assert store.value(of_model.EXPECTED_BRIER) == 0.1


def test_a_batch_without_rows_changes_nothing() -> None:
    made, store = figures()
    made.take({}, store)
    made.take({PAIRS: {JUDGED: None}, FIRST: {JUDGED: None, "judgements": None}}, store)
    assert sum(store.series(of_model.LABEL_FATES).values()) == 0


def test_the_models_that_are_kept_are_bounded_and_the_current_one_stays() -> None:
    made, store = figures()
    made.take(batch(told(10, "1 1 800 a"), version="a"), store)
    for number in range(3 * MOST_VERSIONS):
        made.take(batch(told(1, f"1 1 800 {number}"), version="a"), store)
    assert len(made._watches) <= MOST_VERSIONS + 1
    made.show(store)
    assert store.value(of_model.LABELS, "records") == 10


def test_judgements_that_were_too_many_for_one_batch_are_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    made, store = figures()
    rows = batch(told(10, "1 1 800 a"))
    rows[FIRST][JUDGED] = 12
    made.take(rows, store)
    assert "of 12 judged predictions of a batch 10 count" in caplog.text
