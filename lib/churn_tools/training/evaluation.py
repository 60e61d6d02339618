"""Figures that say how good predicted probabilities are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from telco_churn.model.manifest import CalibrationBin, CurvePoint, Evaluation

Floats = NDArray[np.float64]

THRESHOLD_RULE = "largest F1 of Yes on the held-out customers, among 0.01, 0.02 … 0.99"
_THRESHOLDS = [step / 100 for step in range(1, 100)]
_TENTHS = 10
_CURVE_POINTS = 100
_SMALLEST_PROBABILITY = 1e-15  # keeps the logarithm finite


def best_threshold(labels: Floats, probabilities: Floats) -> float:
    """The threshold by `THRESHOLD_RULE`; labels are 0 or 1."""
    return max(_THRESHOLDS, key=lambda threshold: _f1(labels, probabilities >= threshold))


def evaluate(labels: Floats, probabilities: Floats, threshold: float) -> Evaluation:
    """All figures of the predictions; the labels are 0 or 1, and both occur."""
    predicted = probabilities >= threshold
    clipped = np.clip(probabilities, _SMALLEST_PROBABILITY, 1 - _SMALLEST_PROBABILITY)
    log_likelihood = labels * np.log(clipped) + (1 - labels) * np.log(1 - clipped)
    return Evaluation(
        rows=len(labels),
        churn_rate=float(labels.mean()),
        auc=area_under_roc(labels, probabilities),
        log_loss=float(-log_likelihood.mean()),
        brier=float(((probabilities - labels) ** 2).mean()),
        precision=float(labels[predicted].mean()) if predicted.any() else 0.0,
        recall=float(predicted[labels == 1].mean()),
        f1=_f1(labels, predicted),
        calibration=_calibration(labels, probabilities),
        curve=_curve(labels, probabilities),
    )


def area_under_roc(labels: Floats, probabilities: Floats) -> float:
    """The chance that who leaves is scored above who stays; a tie counts half."""
    # By ranks (Mann and Whitney), which needs no curve and is exact for ties.
    _, places, counts = np.unique(probabilities, return_inverse=True, return_counts=True)
    mean_ranks = np.cumsum(counts) - (counts - 1) / 2
    leaving = labels == 1
    pairs = leaving.sum() * (~leaving).sum()
    below_leaving = mean_ranks[places][leaving].sum() - leaving.sum() * (leaving.sum() + 1) / 2
    return float(below_leaving / pairs)


def _f1(labels: Floats, predicted: NDArray[np.bool_]) -> float:
    """Harmonic mean of precision and recall."""
    return float(2 * labels[predicted].sum() / (predicted.sum() + labels.sum()))


def _calibration(labels: Floats, probabilities: Floats) -> tuple[CalibrationBin, ...]:
    # Stable, so that equal scores fall into the same tenths at each run.
    tenths = np.array_split(np.argsort(probabilities, kind="stable"), _TENTHS)
    return tuple(
        CalibrationBin(
            rows=len(tenth),
            mean_probability=float(probabilities[tenth].mean()),
            churn_rate=float(labels[tenth].mean()),
        )
        for tenth in tenths
        if len(tenth)
    )


def _curve(labels: Floats, probabilities: Floats) -> tuple[CurvePoint, ...]:
    order = np.argsort(-probabilities, kind="stable")
    # Equal scores lie above a threshold together, or not at all.
    ends = np.append(np.flatnonzero(np.diff(probabilities[order])), len(labels) - 1)
    chosen = ends[np.unique(np.linspace(0, len(ends) - 1, _CURVE_POINTS).round().astype(int))]
    positive = np.cumsum(labels[order])[chosen]
    rows = chosen + 1
    shares = (
        rows / len(labels),
        positive / labels.sum(),
        (rows - positive) / (1 - labels).sum(),
    )
    points = [(0.0, 0.0, 0.0), *zip(*(row.tolist() for row in shares), strict=True)]
    return tuple(CurvePoint(*point) for point in points)
