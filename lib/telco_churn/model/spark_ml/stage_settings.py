"""What the settings of a pipeline's stages tell of it, before anything is scored."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence

from telco_churn.errors import ModelError
from telco_churn.model.features import Features
from telco_churn.model.spark_ml.saved_stages import SavedStage, vector

_INVALID = {
    "skip": "which drops rows silently",
    "error": "which ends the query at the first value that the stage does not know",
}
_CLASSIFIERS = (
    "a logistic regression, a decision tree, a random forest, gradient-boosted trees or naive Bayes"
)
_INPUTS = ("inputCol", "inputCols", "featuresCol")
_OUTPUTS = ("outputCol", "outputCols", "rawPredictionCol", "probabilityCol", "predictionCol")


def check_settings(stages: Iterable[SavedStage], features: Features) -> None:
    """Makes sure that no stage is set to drop rows or to throw, and each has its columns.

    Args:
        stages: of the pipeline.
        features: that the model's manifest names.

    Raises:
        ModelError: one is, or has not; names it and the setting.
    """
    columns = set(features.names)
    for stage in stages:
        setting = stage.settings.get("handleInvalid", "keep")
        if setting != "keep":
            fault = f"handleInvalid is {setting!r}, {_INVALID.get(setting, 'which nobody knows')}"
            raise ModelError(f"stage {stage.uid}: {fault}; set 'keep' and fit it again")
        for name in inputs_of(stage):
            # Some stages silently leave such a column out.
            if name not in columns:
                raise ModelError(
                    f"stage {stage.uid} reads the column {name!r}, which neither a stage before it "
                    f"makes nor the manifest names; it names {', '.join(features.names)}"
                )
        columns.update(outputs_of(stage))
        _check_labels(stage, features)


def inputs_of(stage: SavedStage) -> list[str]:
    """The columns that a stage reads."""
    return list(_columns(stage, _INPUTS))


def outputs_of(stage: SavedStage) -> list[str]:
    """The columns that a stage adds, as far as its settings name them."""
    return list(_columns(stage, _OUTPUTS))


def classifier_of(stages: Sequence[SavedStage]) -> SavedStage:
    """The stage that gives the probabilities.

    Raises:
        ModelError: no stage does.
    """
    for stage in reversed(stages):
        if stage.settings.get("probabilityCol"):
            return stage
    last = f"stage {stages[-1].uid}, the last, gives none" if stages else "it has no stages"
    raise ModelError(f"no stage gives a probability ({last}); let it end with {_CLASSIFIERS}")


def probabilities_of(stages: Sequence[SavedStage]) -> str:
    """The column with the probabilities of two classes.

    Raises:
        ModelError: there is none, or of another number of classes; names the stage.
    """
    classifier = classifier_of(stages)
    count = _classes_of(classifier)
    if count != 2:
        raise ModelError(
            f"stage {classifier.uid} tells {count} classes apart; two are needed: label 1 for a "
            "yes, and label 0"
        )
    return str(classifier.settings["probabilityCol"])


def labels_of(stages: Iterable[SavedStage]) -> Mapping[str, Sequence[str]]:
    """The values that stages know of the columns that they index."""
    return {
        name: labels
        for stage in stages
        if stage.kind == "StringIndexerModel"
        for name, labels in _labels(stage)
    }


def _labels(stage: SavedStage) -> Iterator[tuple[str, Sequence[str]]]:
    # Of one column and of several the settings differ, and the fit does not.
    names = stage.settings.get("inputCols") or [stage.settings["inputCol"]]
    return zip(names, stage.rows[0]["labelsArray"], strict=True)


def _check_labels(stage: SavedStage, features: Features) -> None:
    if stage.kind != "StringIndexerModel":
        return
    for name, labels in _labels(stage):
        # As text, every number that an event has is one with a fraction.
        if name in features.numbers and not any("." in label for label in labels):
            raise ModelError(
                f"stage {stage.uid} knows {name} as {', '.join(map(repr, labels[:3]))}, but it is "
                "a DOUBLE here, which as text is '0.0' or '1.0', and never one of these; cast it "
                "to double and fit again"
            )


def _classes_of(classifier: SavedStage) -> int:
    if classifier.trees:
        return int(json.loads(classifier.metadata).get("numClasses", 2))
    fit = classifier.rows[0]
    return int(fit["numClasses"]) if "numClasses" in fit else len(vector(fit["pi"]).toArray())


def _columns(stage: SavedStage, settings: Iterable[str]) -> Iterator[str]:
    for setting in settings:
        value = stage.settings.get(setting, [])
        yield from [value] if isinstance(value, str) else value
