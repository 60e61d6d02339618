from __future__ import annotations

from random import Random

import numpy as np
import pytest

from churn_tools.training.evaluation import Floats, area_under_roc, best_threshold, evaluate

Predictions = tuple[Floats, Floats]  # labels, probabilities


@pytest.fixture(scope="module")
def predictions() -> Predictions:
    random = Random(3)
    probabilities = [round(random.random(), 2) for _ in range(400)]
    labels = [float(random.random() < probability) for probability in probabilities]
    return np.array(labels), np.array(probabilities)


def test_area_under_roc_is_the_share_of_pairs_ranked_right_and_ties_count_half(
    predictions: Predictions,
) -> None:
    labels, probabilities = predictions
    leaving, staying = probabilities[labels == 1], probabilities[labels == 0]
    wins = [(a > b) + (a == b) / 2 for a in leaving for b in staying]
    assert area_under_roc(labels, probabilities) == pytest.approx(sum(wins) / len(wins))


def test_area_under_roc_of_perfect_useless_and_inverted_scores() -> None:
    labels = np.array([0.0, 0.0, 1.0, 1.0])
    assert area_under_roc(labels, np.array([0.1, 0.2, 0.8, 0.9])) == 1.0
    assert area_under_roc(labels, np.array([0.5, 0.5, 0.5, 0.5])) == 0.5
    assert area_under_roc(labels, np.array([0.9, 0.8, 0.2, 0.1])) == 0.0


def test_an_evaluation_has_the_figures_of_a_small_example_worked_by_hand() -> None:
    labels, probabilities = np.array([1.0, 0.0, 1.0, 0.0]), np.array([0.8, 0.6, 0.4, 0.2])
    result = evaluate(labels, probabilities, threshold=0.5)
    assert result.rows == 4
    assert result.churn_rate == 0.5
    assert (result.precision, result.recall, result.f1) == (0.5, 0.5, 0.5)
    assert result.brier == pytest.approx((0.04 + 0.36 + 0.36 + 0.04) / 4)
    assert result.log_loss == pytest.approx(-np.log([0.8, 0.4, 0.4, 0.8]).mean())


def test_a_certain_and_wrong_prediction_keeps_the_log_loss_finite() -> None:
    result = evaluate(np.array([1.0, 0.0]), np.array([0.0, 1.0]), threshold=0.5)
    assert np.isfinite(result.log_loss)


def test_calibration_has_tenths_of_equal_size_by_rising_score(predictions: Predictions) -> None:
    labels, probabilities = predictions
    calibration = evaluate(labels, probabilities, threshold=0.5).calibration
    assert [entry.rows for entry in calibration] == [40] * 10
    means = [entry.mean_probability for entry in calibration]
    assert means == sorted(means)
    for entry in calibration:
        assert entry.churn_rate == pytest.approx(entry.mean_probability, abs=0.2)


def test_the_best_threshold_has_the_largest_f1(predictions: Predictions) -> None:
    labels, probabilities = predictions
    best = best_threshold(labels, probabilities)
    largest = evaluate(labels, probabilities, best).f1
    for step in range(1, 100):
        assert evaluate(labels, probabilities, step / 100).f1 <= largest


def test_the_curve_goes_from_none_to_all_and_ties_are_taken_together() -> None:
    labels, probabilities = np.array([1.0, 0.0, 1.0, 0.0]), np.array([0.8, 0.4, 0.4, 0.2])
    curve = evaluate(labels, probabilities, threshold=0.5).curve
    assert [(point.rows, point.positive, point.negative) for point in curve] == [
        (0.0, 0.0, 0.0),
        (0.25, 0.5, 0.0),
        (0.75, 1.0, 0.5),
        (1.0, 1.0, 1.0),
    ]


def test_the_area_below_the_curve_is_that_of_the_figures(predictions: Predictions) -> None:
    labels, probabilities = predictions
    result = evaluate(labels, probabilities, threshold=0.5)
    positive, negative = zip(*((p.positive, p.negative) for p in result.curve), strict=True)
    assert len(result.curve) <= 101
    assert np.trapezoid(positive, negative) == pytest.approx(result.auc, abs=0.005)
