"""Which stages of a pipeline a probability depends on; and these, as a pipeline of their own.

Pipelines are often fitted with stages that serve the training, such as one that indexes the label,
or a person, such as one that turns the prediction into a word. They read what no event has.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from telco_churn.errors import ModelError
from telco_churn.model.features import Features
from telco_churn.model.spark_ml.saved_stages import PIPELINE, SavedStage, outline, stage_name
from telco_churn.model.spark_ml.stage_settings import classifier_of, inputs_of, outputs_of
from telco_churn.model.verification import ALLOWED_CLASSES, is_plain_name

PlacedStages = Sequence[tuple[Path, SavedStage]]
"""Stages without their fit, and where they are."""


def needed_stages(pipeline: Path) -> PlacedStages:
    """The stages that the probability depends on, in order; needs no JVM.

    Raises:
        ModelError: the directory holds no pipeline, no stage gives a probability, or one that is
            needed is of a class that no model may have.
    """
    try:
        placed = list(outline(pipeline))
    except (OSError, LookupError, TypeError, ValueError) as error:
        raise ModelError(
            f"{pipeline} is not a saved PipelineModel ({error!r}); save it by "
            "model.write().save(PATH)"
        ) from error
    stages = [stage for _, stage in placed]
    needed = {stage.uid for stage in _needed(stages, classifier_of(stages))}
    chosen = [(place, stage) for place, stage in placed if stage.uid in needed]
    for _, stage in chosen:
        if not is_plain_name(stage.uid):
            raise ModelError(f"stage {stage.uid!r}: its UID is not a plain name")
        if stage.class_name not in ALLOWED_CLASSES:
            raise ModelError(
                f"stage {stage.uid} is a {stage.class_name}, which is not allowed in a model; "
                f"allowed: {', '.join(sorted(ALLOWED_CLASSES))}"
            )
    return chosen


def features_read(stages: Iterable[SavedStage], known: Features) -> Features:
    """What the stages read of an event.

    Args:
        stages: in order.
        known: what a model may read of it.

    Raises:
        ModelError: a stage reads something else, which no stage before it makes.
    """
    made: set[str] = set()
    read: set[str] = set()
    for stage in stages:
        for name in inputs_of(stage):
            if name not in made and name not in known.names:
                raise ModelError(
                    f"stage {stage.uid} reads the column {name!r}, which neither a stage before it "
                    f"makes nor an event has; a model may read {', '.join(known.names)}"
                )
        read.update(inputs_of(stage))
        made.update(outputs_of(stage))
    return Features(
        tuple(name for name in known.categories if name in read),
        tuple(name for name in known.numbers if name in read),
    )


def write_pipeline(placed: PlacedStages, target: Path) -> None:
    """Saves these stages, as they are, as a pipeline that Spark can load too."""
    uids = [stage.uid for _, stage in placed]
    saved_by = json.loads(placed[0][1].metadata)
    document = {
        "class": PIPELINE,
        "timestamp": time.time_ns() // 1_000_000,
        "sparkVersion": saved_by["sparkVersion"],
        "uid": f"PipelineModel_of_{uids[-1]}",
        "paramMap": {"stageUids": uids},
        "defaultParamMap": {},
    }
    (target / "metadata").mkdir(parents=True)
    (target / "metadata" / "part-00000").write_text(json.dumps(document) + "\n", "utf-8")
    for number, (place, stage) in enumerate(placed):
        shutil.copytree(place, target / "stages" / stage_name(number, stage.uid, len(placed)))


def _needed(stages: Sequence[SavedStage], classifier: SavedStage) -> list[SavedStage]:
    """The classifier, and backwards from it whatever makes a column that is needed."""
    needed, columns = [classifier], set(inputs_of(classifier))
    for stage in reversed(stages[: stages.index(classifier)]):
        made = outputs_of(stage)
        # What a stage does whose settings name no column, nobody can say.
        if not made or columns.intersection(made):
            needed.append(stage)
            columns.update(inputs_of(stage))
    return needed
