"""The plots of a model card, from what its manifest holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from churn_tools.model_card.drawing import BLUE, GREY, ORANGE, Axes, Drawing, Points
from telco_churn.model.manifest import Effects, Evaluation, Manifest

_SIDE, _LEFT, _TOP = 300.0, 52.0, 40.0
_ROW, _LABELS, _BARS = 15.0, 260.0, 220.0
_PANEL, _PANEL_GAP = 110.0, 64.0
_DIAGONAL = ((0.0, 0.0), (1.0, 1.0))


def card_plots(manifest: Manifest) -> dict[str, str]:
    """SVG files by name, without ending; one for which the manifest has no points is missing."""
    plots = {}
    if manifest.evaluation is not None:
        plots["calibration"] = _calibration(manifest.evaluation)
        if manifest.evaluation.curve:
            plots |= {"roc": _roc(manifest.evaluation), "gain": _gain(manifest.evaluation)}
    if manifest.effects is not None:
        plots["effects"] = _effects(manifest.effects)
    return plots


def _roc(evaluation: Evaluation) -> str:
    curve = [(point.negative, point.positive) for point in evaluation.curve]
    return _square(
        f"ROC, area {evaluation.auc:.3f}",
        "share of the negative above a threshold",
        "share of the positive above it",
        [_DIAGONAL],
        curve,
    )


def _gain(evaluation: Evaluation) -> str:
    curve = [(point.rows, point.positive) for point in evaluation.curve]
    best = [(0.0, 0.0), (evaluation.churn_rate, 1.0), (1.0, 1.0)]
    return _square(
        "Gain: what the highest scores find",
        "share of all, by falling score",
        "share of the positive among them",
        [_DIAGONAL, best],
        curve,
    )


def _calibration(evaluation: Evaluation) -> str:
    points = [(tenth.mean_probability, tenth.churn_rate) for tenth in evaluation.calibration]
    return _square(
        "Calibration, by tenth",
        "mean probability",
        "share that is positive",
        [_DIAGONAL],
        points,
        has_dots=True,
    )


def _square(
    title: str,
    across: str,
    up: str,
    references: Iterable[Points],
    points: Points,
    *,
    has_dots: bool = False,
) -> str:
    drawing = Drawing(_LEFT + _SIDE + 20, _TOP + _SIDE + 44)
    axes = Axes(drawing, _LEFT, _TOP, _SIDE, _SIDE)
    axes.frame(title, across, up)
    for reference in references:
        drawing.path(axes.placed(reference), GREY, width=1, is_dashed=True)
    drawing.path(axes.placed(points), BLUE)
    if has_dots:
        drawing.dots(axes.placed(points), ORANGE)
    return drawing.svg()


def _effects(effects: Effects) -> str:
    """Bars of the categories on the left, lines of the numbers on the right."""
    categories = sorted(effects.categories.items(), key=lambda entry: -_spread(entry[1].values()))
    numbers = sorted(
        effects.numbers.items(), key=lambda entry: -_spread(mean for _, mean in entry[1])
    )
    means = [
        *(mean for values in effects.categories.values() for mean in values.values()),
        *(mean for points in effects.numbers.values() for _, mean in points),
    ]
    rows = sum(len(values) + 1 for _, values in categories)
    height = max(_ROW * rows, (_PANEL + _PANEL_GAP) * len(numbers)) + _TOP + 20
    drawing = Drawing(_LABELS + _BARS + 400, height)
    drawing.text(8, 20, "Mean probability if all had this value", weight="bold")
    most = max(means, default=0.0) or 1.0
    _draw_categories(drawing, categories, most)
    for place, (name, points) in enumerate(numbers):
        across = (points[0][0], points[-1][0])
        top = _TOP + 12 + place * (_PANEL + _PANEL_GAP)
        axes = Axes(drawing, _LABELS + _BARS + 100, top, 280, _PANEL, across, (0.0, most))
        axes.frame(name)
        drawing.path(axes.placed(points), BLUE)
        drawing.dots(axes.placed(points), ORANGE)
    return drawing.svg()


def _draw_categories(
    drawing: Drawing, categories: list[tuple[str, Mapping[str, float]]], most: float
) -> None:
    y = _TOP
    for name, values in categories:
        drawing.text(8, y + 12, name, weight="bold")
        y += _ROW
        for value, mean in sorted(values.items(), key=lambda entry: -entry[1]):
            length = _BARS * mean / most
            drawing.text(_LABELS - 8, y + 11, value, anchor="end")
            drawing.bar(_LABELS, y + 1, length, _ROW - 3)
            drawing.text(_LABELS + length + 5, y + 11, f"{mean:.3f}")
            y += _ROW


def _spread(means: Iterable[float]) -> float:
    found = list(means)
    return max(found) - min(found) if found else 0.0
