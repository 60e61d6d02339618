"""Model and drift: whether the model sees what it was fitted to, and whether it is right."""

from __future__ import annotations

from grafana_foundation_sdk.builders import stat
from grafana_foundation_sdk.models import dashboard

from dashboards.boards.accuracy import (
    brier,
    calibration,
    decisions,
    fates,
    precision_and_recall,
)
from dashboards.boards.beside import (
    both_decisions,
    both_errors,
    both_scores,
    otherwise,
    shadow_decisions,
)
from dashboards.boards.health import IDLE
from dashboards.boards.parts.blocks import (
    NOBODY,
    Panel,
    bars,
    now,
    number,
    query,
    spread,
    time_series,
    with_limit,
)
from dashboards.boards.parts.choice import (
    Choice,
    increase,
    latest,
    of_consumer,
    or_unknown,
    total,
)
from dashboards.boards.parts.colours import BAD, GOOD, PLAIN, UNKNOWN, WARNING, steps, words
from dashboards.boards.parts.frame import board
from dashboards.site import Site
from stream_telemetry.metrics import catalogue, of_model

_SOME = 0.1
"""From here on a stability index is worth a look."""


def drift(site: Site) -> dashboard.Dashboard:
    """What the owners of the model look at."""
    # None of its figures is about a topic.
    choice = of_consumer(site).without()
    return board(
        "drift",
        "Model and drift",
        "Does the model see what it was fitted to? Is it right?",
        "now-24h",
        choice,
        {
            "Now, by the latest records": [
                *(largest(site, choice), of_scores(site, choice), positives(choice)),
                *(precision(choice), worse(site, choice), age(choice)),
            ],
            "Drift": [features(site, choice), by_feature(site, choice), by_window(site, choice)],
            "Scores": [scores(choice), mean_score(choice), judged_by(choice)],
            "Accuracy, where labels come with the records or later": [
                *(brier(choice), precision_and_recall(choice), calibration(choice)),
                *(decisions(choice), fates(choice)),
            ],
            "The shadow, where there is one (--shadow-model)": [
                *(otherwise(choice), both_scores(choice), both_errors(choice)),
                *(both_decisions(choice), shadow_decisions(choice)),
            ],
        },
    )


def largest(site: Site, choice: Choice) -> Panel:
    """The index of the feature that has moved most."""
    return _number(
        "Largest Drift",
        "Stability index of the feature that has moved most. It is 0 for what training had, up to "
        f"0.1 nothing to speak of; from {site.limits.psi:g} on the alert fires.",
        "none",
        choice,
        f"max({latest(choice, of_model.FEATURE_PSI)})",
    ).thresholds(steps(BAD, (0, GOOD), (_SOME, WARNING), (site.limits.psi, BAD)))


def of_scores(site: Site, choice: Choice) -> Panel:
    """The index of the scores."""
    return _number(
        "Drift of Scores",
        "Stability index of the scores: whether as many records get a high one as in training.",
        "none",
        choice,
        f"max({latest(choice, of_model.SCORE_PSI)})",
    ).thresholds(steps(BAD, (0, GOOD), (_SOME, WARNING), (site.limits.psi, BAD)))


def positives(choice: Choice) -> Panel:
    """How many are decided with yes."""
    return _number(
        "Decided Yes",
        "Share of the records whose score reaches the model's threshold.",
        "percentunit",
        choice,
        f"avg({latest(choice, of_model.POSITIVES)})",
    ).thresholds(steps(BAD, (0, PLAIN)))


def precision(choice: Choice) -> Panel:
    """How many of these are right."""
    return _number(
        "Precision",
        "Where yes was decided and the record carries its label: share of the label yes.",
        "percentunit",
        choice,
        f"avg({latest(choice, of_model.PRECISION)})",
    ).thresholds(steps(BAD, (0, PLAIN)))


def worse(site: Site, choice: Choice) -> Panel:
    """The error against that of the time when the model was made."""
    expected = f"max({choice.series(of_model.EXPECTED_BRIER)})"
    return _number(
        "Error to Expected",
        "How many times the mean squared error that the model had when it was made; 1 is right, "
        f"above {site.limits.brier_factor:g} the alert fires, if it is no chance.",
        "none",
        choice,
        f"max({latest(choice, of_model.BRIER)}) / {expected}",
    ).thresholds(steps(BAD, (0, GOOD), (site.limits.brier_factor, BAD)))


def age(choice: Choice) -> Panel:
    """How old the model is."""
    created = f"max(time() - {choice.series(catalogue.MODEL_CREATED)})"
    return number(
        "Model Age", "Time since the oldest model in use was made.", "s", now(or_unknown(created))
    ).thresholds(steps(BAD, (0, PLAIN)))


def features(site: Site, choice: Choice) -> Panel:
    """Each feature's index, the largest first."""
    moved = f"max by (feature) ({latest(choice, of_model.FEATURE_PSI)})"
    return (
        bars(
            "Drift of Features",
            "Stability index of each feature over the latest records, the twelve largest.",
            "none",
            now(f"sort_desc(topk(12, {moved}))", "{{feature}}"),
        )
        .thresholds(steps(GOOD, (_SOME, WARNING), (site.limits.psi, BAD)))
        .decimals(3)
        .no_value("too few records")
    )


def by_feature(site: Site, choice: Choice) -> Panel:
    """The same over time."""
    moved = f"max by (feature) ({latest(choice, of_model.FEATURE_PSI)})"
    panel = time_series(
        "Drift by Feature",
        "Stability index over the latest records, of the features that stand out at some time. A "
        "gap: too few records to tell.",
        "none",
        query(f"topk(8, {moved})", "{{feature}}"),
    )
    return with_limit(panel, site.limits.psi)


def by_window(site: Site, choice: Choice) -> Panel:
    """The scores' index, and the largest of a feature, by both windows."""
    panel = time_series(
        "Drift by Window",
        "Stability index by the latest records and by the latest minutes; the alerts want both.",
        "none",
        query(f"max by (window) ({choice.series(of_model.SCORE_PSI)})", "scores, {{window}}"),
        query(f"max by (window) ({choice.series(of_model.FEATURE_PSI)})", "features, {{window}}"),
    )
    return with_limit(panel, site.limits.psi)


def scores(choice: Choice) -> Panel:
    """How the scores spread."""
    buckets = total(increase(choice.part(of_model.SCORE, "bucket")), "le")
    return spread("Scores", "How many records got which score.", buckets, unit="percentunit")


def mean_score(choice: Choice) -> Panel:
    """What the model expects in the mean."""
    return time_series(
        "Mean Score and Share of Yes",
        "Mean score of the records, and the share of them whose score reaches the threshold.",
        "percentunit",
        query(f"avg by (window) ({choice.series(of_model.MEAN_SCORE)})", "mean, {{window}}"),
        query(f"avg by (window) ({choice.series(of_model.POSITIVES)})", "yes, {{window}}"),
    ).span(6)


def judged_by(choice: Choice) -> Panel:
    """How many records all this rests on."""
    return time_series(
        "Judged By",
        "Records in both windows, and those of them that carry their label. With too few there are "
        "no figures.",
        "short",
        query(f"sum by (window) ({choice.series(of_model.WINDOW)})", "records, {{window}}"),
        query(f"sum by (window) ({choice.series(of_model.LABELS)})", "labels, {{window}}"),
    ).span(6)


def _number(title: str, description: str, unit: str, choice: Choice, expression: str) -> stat.Panel:
    """The value of this moment; in words where nobody answers, or too few records have come."""
    too_few = f"count({choice.series(of_model.WINDOW)}) * 0 + ({IDLE})"
    panel = number(
        title, description, unit, now(or_unknown(f"({expression}) or on () ({too_few})"))
    )
    known: dict[float, tuple[str, str]] = {
        UNKNOWN: (NOBODY, BAD),
        IDLE: ("too few records", "blue"),
    }
    return panel.mappings(words(known)).decimals(2)
