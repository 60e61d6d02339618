"""The model that scores customers: verified, then loaded, as fast as it can be scored."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pyspark.ml import PipelineModel
from pyspark.sql import SparkSession

from stream_telemetry.run.causes import SPARK_ERRORS, root_cause
from telco_churn.errors import ModelError
from telco_churn.model.compiled_score import CompiledScorer, compile_pipeline
from telco_churn.model.features import FEATURES_SCHEMA
from telco_churn.model.manifest import HOW_TO_MEND, Manifest, read_manifest
from telco_churn.model.scoring import PipelineScorer, Scorer
from telco_churn.model.verification import PIPELINE_NAME, verify_files

__all__ = [
    "Manifest",
    "Model",
    "load_model",
    "read_manifest",
    "verify_files",
]


@dataclass(frozen=True)
class Model:
    """A loaded model and what it says of itself."""

    manifest: Manifest
    scorer: Scorer

    @property
    def is_compiled(self) -> bool:
        """It scores by one SQL expression; if not, by its stages, which takes far longer."""
        return isinstance(self.scorer, CompiledScorer)


def load_model(path: Path) -> Model:
    """The model in directory `path`, verified before any of it is loaded; needs a Spark session.

    Raises:
        ModelError: the model is missing, was tampered with, or does not fit this job.
    """
    manifest = read_manifest(path)
    verify_files(path, manifest)
    try:
        with _described(f"load the model {manifest.version}"):
            # As a URI, or a cluster's default file system would give other files, not verified.
            pipeline = PipelineModel.load(f"file://{path.resolve() / PIPELINE_NAME}")
        scorer: Scorer = compile_pipeline(pipeline) or PipelineScorer(pipeline)
        _try_out(scorer)
    except SPARK_ERRORS as error:
        raise ModelError(
            f"model {path} (version {manifest.version}, saved by Spark {manifest.spark_version}) "
            f"cannot be used: {root_cause(error)}; {HOW_TO_MEND}"
        ) from error
    return Model(manifest, scorer)


@contextmanager
def _described(what: str) -> Iterator[None]:
    """Names Spark's jobs on its pages; else they would be lines of Spark's own code."""
    context = SparkSession.active().sparkContext
    context.setJobDescription(what)
    try:
        yield
    finally:
        context._jsc.setJobDescription(None)


def _try_out(scorer: Scorer) -> None:
    """Lets Spark analyse the scoring of no rows, which finds columns that do not fit."""
    nobody = SparkSession.active().createDataFrame([], FEATURES_SCHEMA)
    scorer.with_probability(nobody)
