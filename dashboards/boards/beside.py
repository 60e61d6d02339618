"""How the shadow, a second model, would have decided."""

from __future__ import annotations

from grafana_foundation_sdk.builders import timeseries

from dashboards.boards.parts.blocks import Panel, Query, query, time_series
from dashboards.boards.parts.choice import Choice, latest, rate, total
from stream_telemetry.metrics import of_model


def otherwise(choice: Choice) -> Panel:
    """How often it would have decided otherwise."""
    info = choice.series(of_model.SHADOW_INFO)
    apart = latest(choice, of_model.SHADOW_DISAGREEMENT)
    of = ", ".join(choice.labels)
    named = f"{apart} * on ({of}) group_left (version) {info}"
    return _of_shadow(
        "Shadow Decides Otherwise",
        "Share of the latest records that the shadow would have decided otherwise than the model "
        "did, and how far their scores are apart in the mean.",
        "percentunit",
        query(f"avg by (version) ({named})", "otherwise, {{version}}"),
        query(f"avg({latest(choice, of_model.SHADOW_DIFFERENCE)})", "distance of scores"),
    )


def both_scores(choice: Choice) -> Panel:
    """What both models expect in the mean."""
    return _of_shadow(
        "Scores of Model and Shadow",
        "Mean score of the latest records, and the share of them whose score reaches the threshold "
        "of the model that gave it.",
        "percentunit",
        query(f"avg({latest(choice, of_model.MEAN_SCORE)})", "mean, model"),
        query(f"avg({latest(choice, of_model.SHADOW_MEAN_SCORE)})", "mean, shadow"),
        query(f"avg({latest(choice, of_model.POSITIVES)})", "yes, model"),
        query(f"avg({latest(choice, of_model.SHADOW_POSITIVES)})", "yes, shadow"),
    )


def both_errors(choice: Choice) -> Panel:
    """Which of them is right."""
    return _of_shadow(
        "Error of Model and Shadow",
        "Mean squared error of the scores (Brier score) of the latest records that carry their "
        "label: the lower one is better.",
        "none",
        query(f"avg({latest(choice, of_model.BRIER)})", "model"),
        query(f"avg({latest(choice, of_model.SHADOW_BRIER)})", "shadow"),
    )


def both_decisions(choice: Choice) -> Panel:
    """What both have decided, record by record."""
    compared = total(rate(choice.series(of_model.SHADOW_RECORDS)), "decided", "shadow")
    return _of_shadow(
        "Decisions of Model and Shadow",
        "Records a second by what the model decided and the shadow would have; failed: the shadow "
        "gave no probability.",
        "mps",
        query(compared, "decided {{decided}}, shadow {{shadow}}"),
    ).span(12)


def shadow_decisions(choice: Choice) -> Panel:
    """The shadow's decisions and the labels."""
    labelled = total(rate(choice.series(of_model.SHADOW_LABELLED)), "shadow", "label")
    return _of_shadow(
        "Shadow and Labels",
        "Records a second that carry their label, by what the shadow would have decided and what "
        "the label is.",
        "mps",
        query(labelled, "shadow {{shadow}}, label {{label}}"),
    ).span(12)


def _of_shadow(title: str, description: str, unit: str, *queries: Query) -> timeseries.Panel:
    return time_series(title, description, unit, *queries).no_value("no shadow, or too few records")
