"""The metrics that tell whether a model still sees what it was fitted to, and is still right."""

from __future__ import annotations

from stream_telemetry.metrics.bounds import SCORE_BUCKETS
from stream_telemetry.metrics.metric import Metric

BOARD = "model and drift"
WINDOWS = ("records", "time")
"""By which a model is judged: the latest records, and those of the latest minutes."""
OUTCOMES = ("taken", "refused")
"""What may become of another model, found while the query runs; it is counted."""
ANSWERS = ("no", "yes")
FATES = ("judged", "repeated", "missing", "unmatched")
"""What may become of predictions and of labels that come later."""
SCORE_TENTHS = tuple(f"{bound:g}" for bound in SCORE_BUCKETS)
"""Of scores, by their upper bound."""


def _figure(name: str, help_text: str, *labels: str) -> Metric:
    """A figure of the latest records; while they are too few it has no series."""
    return Metric(f"model_{name}", "gauge", help_text, (*labels, "window"), shown=BOARD)


SCORE = Metric(
    "model_score",
    "histogram",
    "Scores of the good records: the probability that the model gives. One that equals a bound "
    "counts above it, as in the manifest.",
    (),
    SCORE_BUCKETS,
    BOARD,
)
WINDOW = _figure("window_records", "Good records by which the model is judged.")
POSITIVES = _figure("positive_ratio", "Share of them whose score reaches the threshold.")
MEAN_SCORE = _figure("mean_score", "Mean score of them.")
SCORE_PSI = _figure(
    "score_psi",
    "Population stability index of their scores against those in training; up to 0.1 is none to "
    "speak of, from 0.25 on the model sees others than it was fitted to.",
)
FEATURE_PSI = _figure("feature_psi", "The same of a feature's values.", "feature")
LABELLED = Metric(
    "model_labelled_total",
    "counter",
    "Good records that came with their label, by what the model decided and what the label is.",
    ("decided", "label"),
    shown=BOARD,
)
LABELS = _figure("window_labels", "Labelled records by which its accuracy is judged.")
PRECISION = _figure("precision_ratio", "Share of the label yes where yes was decided.")
RECALL = _figure("recall_ratio", "Share of yes decided where the label is yes.")
BRIER = _figure("brier_score", "Mean squared error of the labelled records' scores.")
EXPECTED_BRIER = Metric(
    "model_expected_brier_score",
    "gauge",
    "The same on records that the model was judged by when it was made.",
    shown=BOARD,
)
CALIBRATION = _figure(
    "calibration_ratio",
    "Share of the label yes among records of a tenth of the scores, named by its upper bound.",
    "score",
)
LABEL_FATES = Metric(
    "model_label_fates_total",
    "counter",
    "Where labels come later, on a topic of their own: predictions judged by their first label; "
    "repeated, another label for one, or a copy of it; missing, predictions that no label came for "
    "in time; unmatched, labels without a prediction.",
    ("fate",),
    shown=BOARD,
)
CHANGES = Metric(
    "model_changes_total",
    "counter",
    "Other models that were found while the query runs: taken, or refused as they cannot be used.",
    ("outcome",),
    shown="engine",
)
REFUSED = Metric(
    "model_refused",
    "gauge",
    "1 while the latest model that was found cannot be used, and the one before goes on.",
)
SHADOW_ANSWERS = (*ANSWERS, "failed")
"""What a shadow may say of a record; failed: it gave no probability."""
SHADOW_INFO = Metric(
    "model_shadow_info",
    "info",
    "The model that scores beside the one that decides, for metrics only.",
    ("version",),
    shown=BOARD,
)
SHADOW_RECORDS = Metric(
    "model_shadow_records_total",
    "counter",
    "Good records by what the model decided and what the shadow would have; failed: it gave no "
    "probability.",
    ("decided", "shadow"),
    shown=BOARD,
)
SHADOW_LABELLED = Metric(
    "model_shadow_labelled_total",
    "counter",
    "Good records that came with their label, by what the shadow would have decided and what the "
    "label is.",
    ("shadow", "label"),
    shown=BOARD,
)
SHADOW_POSITIVES = _figure(
    "shadow_positive_ratio", "Share of the records whose shadow score reaches its own threshold."
)
SHADOW_MEAN_SCORE = _figure("shadow_mean_score", "Mean score that the shadow gives.")
SHADOW_DISAGREEMENT = _figure(
    "shadow_disagreement_ratio",
    "Share of the records that the shadow would have decided otherwise.",
)
SHADOW_DIFFERENCE = _figure(
    "shadow_mean_difference", "Mean distance of the shadow's score from the model's."
)
SHADOW_BRIER = _figure(
    "shadow_brier_score", "Mean squared error of the shadow's scores of labelled records."
)

OF_MODEL: tuple[Metric, ...] = tuple(
    value for value in list(globals().values()) if isinstance(value, Metric)
)
"""All of them, in the order in which they are written above."""
_WINDOWED = [metric for metric in OF_MODEL if "window" in metric.labels]
SHADOW_FIGURES = tuple(one for one in _WINDOWED if one.name.startswith("model_shadow_"))
"""Those of the shadow that are computed of a window."""
FIGURES = tuple(one for one in _WINDOWED if one not in SHADOW_FIGURES)
"""Those of the model."""
