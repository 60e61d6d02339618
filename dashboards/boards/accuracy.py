"""How right the model is, by the labels that come with the records, or later."""

from __future__ import annotations

from dashboards.boards.parts.blocks import Panel, bars, now, query, time_series
from dashboards.boards.parts.choice import LATEST, Choice, latest, rate, total
from dashboards.boards.parts.colours import steps
from stream_telemetry.metrics import of_model


def brier(choice: Choice) -> Panel:
    """The error of the scores."""
    expected = f"max({choice.series(of_model.EXPECTED_BRIER)})"
    return time_series(
        "Brier Score",
        "Mean squared error of the scores: 0 is best, 0.25 is a coin's. Expected is that on the "
        "records that the model was judged by when it was made.",
        "none",
        query(f"max by (window) ({choice.series(of_model.BRIER)})", "{{window}}"),
        query(expected, "expected"),
    )


def precision_and_recall(choice: Choice) -> Panel:
    """How right the decisions are."""
    return time_series(
        "Precision and Recall",
        "Precision: where yes was decided, share of the label yes. Recall: where the label is yes, "
        "share that was decided so.",
        "percentunit",
        query(f"avg({latest(choice, of_model.PRECISION)})", "precision"),
        query(f"avg({latest(choice, of_model.RECALL)})", "recall"),
    )


def calibration(choice: Choice) -> Panel:
    """How often the label is yes, for each tenth of the scores."""

    def rated(bound: str) -> str:
        """The mean share of the replicas."""
        return f"avg({choice.series(of_model.CALIBRATION, window=LATEST, score=bound)})"

    tenths = [f"{place / 10:g} – {bound}" for place, bound in enumerate(of_model.SCORE_TENTHS)]
    return (
        bars(
            "Calibration",
            "Share of the label yes by score. A score is a probability if each bar lies within "
            "the bounds of its tenth. What has too few labels is missing.",
            "percentunit",
            *(
                now(rated(bound), name)
                for bound, name in zip(of_model.SCORE_TENTHS, tenths, strict=True)
            ),
        )
        .max(1)
        .thresholds(steps("blue"))
        .decimals(1)
        .no_value("too few labels")
    )


def decisions(choice: Choice) -> Panel:
    """Decisions and labels."""
    labelled = rate(choice.series(of_model.LABELLED))
    return time_series(
        "Decisions and Labels",
        "Records a second that carry their label, by what was decided and what the label is.",
        "mps",
        query(total(labelled, "decided", "label"), "decided {{decided}}, label {{label}}"),
    ).span(12)


def fates(choice: Choice) -> Panel:
    """What becomes of labels that come later."""
    found = rate(choice.series(of_model.LABEL_FATES))
    return time_series(
        "Labels That Come Later",
        "Predictions and labels a second, by what jobs/measure_accuracy.py has made of them: "
        "missing are predictions that no label came for in time, unmatched labels without a "
        "prediction.",
        "mps",
        query(total(found, "fate"), "{{fate}}"),
    ).span(12)
