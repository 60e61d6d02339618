"""The model that scores customers: verified, read, and as fast as it can be scored."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pyspark.errors import PySparkException

from stream_telemetry.run.causes import SPARK_ERRORS, root_cause
from telco_churn.errors import ModelError
from telco_churn.model.compiled_score import compile_stages
from telco_churn.model.manifest import HOW_TO_MEND, MANIFEST_NAME, Manifest, read_manifest
from telco_churn.model.scoring import Scorer
from telco_churn.model.spark_ml.culprit import culprit
from telco_churn.model.spark_ml.pipeline_scorer import PipelineScorer, restore_pipeline
from telco_churn.model.spark_ml.saved_stages import read_stages
from telco_churn.model.spark_ml.stage_settings import (
    check_settings,
    labels_of,
    probabilities_of,
)
from telco_churn.model.spark_ml.tree_scorer import compile_pipeline
from telco_churn.model.trust.model_place import ModelPlace
from telco_churn.model.trust.private_copy import private_copy
from telco_churn.model.try_out import WHO, MadeUpEvents, try_out
from telco_churn.model.verification import is_looked_at, verify_files

__all__ = [
    "Manifest",
    "Model",
    "load_model",
    "manifest_at",
    "read_manifest",
    "scorer_of",
    "verify_files",
]

_MISFITS = (ArithmeticError, LookupError, MemoryError, RecursionError, TypeError, ValueError)
"""What files lead to that nobody would have saved so."""


@dataclass(frozen=True)
class Model:
    """A loaded model and what it says of itself."""

    manifest: Manifest
    scorer: Scorer

    @property
    def is_compiled(self) -> bool:
        """It scores without the stages of its pipeline, which take far longer."""
        return not isinstance(self.scorer, PipelineScorer)


def manifest_at(path: ModelPlace) -> Manifest:
    """The manifest of a model, which may be elsewhere; raises like `read_manifest`."""
    if isinstance(path, Path):
        return read_manifest(path)
    with private_copy(path, lambda entry: entry.name == MANIFEST_NAME) as copy:
        return read_manifest(copy)


def load_model(path: ModelPlace) -> Model:
    """The model in directory `path`, verified before any of it is loaded; needs a Spark session.

    The driver alone reads the files, once, into a copy of its own; no Spark job runs.

    Raises:
        ModelError: the model is missing, was tampered with, or does not fit this job.
    """
    manifest = manifest_at(path)
    try:
        return _load(path, manifest)
    except ModelError:
        replacement = manifest_at(path)
        if replacement == manifest:
            raise
    # Another model has replaced it meanwhile, and the files of this one are removed.
    return _load(path, replacement)


def scorer_of(pipeline: Path, manifest: Manifest) -> Scorer:
    """What scores by the pipeline in this directory, whose files were verified; tried before.

    Raises:
        ModelError: the job cannot use it; says why, and of which stage where that is known.
    """
    try:
        return _scorer(pipeline, manifest)
    except (ModelError, *SPARK_ERRORS, *_MISFITS) as error:
        raise ModelError(_fault(error)) from error


def _load(path: ModelPlace, manifest: Manifest) -> Model:
    with private_copy(path, lambda entry: is_looked_at(entry, manifest.pipeline)) as copy:
        verify_files(copy, manifest)
        try:
            return Model(manifest, scorer_of(copy / manifest.pipeline, manifest))
        except ModelError as error:
            raise ModelError(
                f"model {path} (version {manifest.version}, saved by Spark "
                f"{manifest.spark_version}) cannot be used: {error}"
            ) from error


def _fault(error: Exception) -> str:
    """What is wrong and, where that is known, what to do."""
    if isinstance(error, ModelError):
        return str(error)
    if not isinstance(error, SPARK_ERRORS):
        return f"its files do not fit together ({error!r}); {HOW_TO_MEND}"
    cause = root_cause(error)
    if "UnsatisfiedLinkError" in str(cause):
        return (
            f"{cause}; Java may not run its own libraries from its temporary directory: name "
            "another by --driver-java-options -Djava.io.tmpdir=DIR"
        )
    # A PySparkException means that Spark refused the model; other errors are not the model's fault.
    return f"{cause}; {HOW_TO_MEND}" if isinstance(error, PySparkException) else str(cause)


def _scorer(pipeline: Path, manifest: Manifest) -> Scorer:
    stages = read_stages(pipeline)
    features = manifest.features
    check_settings(stages, features)
    probabilities = probabilities_of(stages)
    if compiled := compile_stages(stages, features):
        # It adds one column of plain SQL, which can neither drop a row nor throw.
        return compiled
    scorer = compile_pipeline(stages, features) or PipelineScorer(
        restore_pipeline(stages), features, probabilities
    )
    fitted_to, labels = manifest.training_distribution.categories, labels_of(stages)
    known = {name: fitted_to[name] or labels.get(name, ()) for name in features.categories}
    events = MadeUpEvents(features, known)
    try:
        try_out(scorer, events)
    except (ModelError, *SPARK_ERRORS) as error:
        uid = culprit(restore_pipeline(stages), events.rows(), WHO, events.whole)
        raise ModelError(f"stage {uid}: {_fault(error)}" if uid else _fault(error)) from error
    return scorer
