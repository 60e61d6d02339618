"""What the settings of a pipeline's stages tell of it, before anything is scored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from telco_churn.errors import ModelError
from telco_churn.model.features import Features
from telco_churn.model.spark_ml.saved_stages import SavedStage

_INVALID = {
    "skip": "which drops rows silently",
    "error": "which ends the query at the first value that the stage does not know",
}
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
        for name in _columns(stage, _INPUTS):
            # Some stages silently leave such a column out.
            if name not in columns:
                raise ModelError(
                    f"stage {stage.uid} reads the column {name!r}, which neither a stage before it "
                    f"makes nor the manifest names; it names {', '.join(features.names)}"
                )
        columns.update(_columns(stage, _OUTPUTS))


def _columns(stage: SavedStage, settings: Iterable[str]) -> Iterator[str]:
    for setting in settings:
        value = stage.settings.get(setting, [])
        yield from [value] if isinstance(value, str) else value
