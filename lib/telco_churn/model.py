"""The model that scores customers: verified, then loaded, behind one small interface."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.ml import PipelineModel
from pyspark.ml.functions import vector_to_array
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from telco_churn.errors import ModelError
from telco_churn.features import FEATURES_SCHEMA
from telco_churn.manifest import HOW_TO_MEND, Manifest, read_manifest
from telco_churn.model_files import PIPELINE_NAME, verify_files

__all__ = [
    "MODEL_PREFIX",
    "PROBABILITY",
    "Manifest",
    "Model",
    "PipelineScorer",
    "Scorer",
    "load_model",
    "read_manifest",
    "verify_files",
]

PROBABILITY = "churn_probability"
MODEL_PREFIX = "_model_"
"""Begins the name of every column that a pipeline adds; no other column may begin so."""

CLASS_PROBABILITIES = f"{MODEL_PREFIX}probability"

SPARK_ERRORS = (Py4JError, PySparkException)
"""What a call into Spark raises when Spark itself fails."""


class Scorer(Protocol):
    """Gives each customer a probability of leaving."""

    def with_probability(self, features: DataFrame) -> DataFrame:
        """The same rows and columns, and `churn_probability` DOUBLE, 0-1.

        Args:
            features: batch or streaming, with the columns of `FEATURES_SCHEMA`. A category that
                the model has not seen, or null, counts as none; a null number makes the
                probability NaN. No row is ever dropped and nothing throws.
        """


@dataclass(frozen=True)
class PipelineScorer:
    """Scores by the stages of a Spark ML pipeline as they are."""

    pipeline: PipelineModel

    def with_probability(self, features: DataFrame) -> DataFrame:
        """See `Scorer`."""
        scored = self.pipeline.transform(features)
        probability = F.get(vector_to_array(F.col(CLASS_PROBABILITIES)), F.lit(1))
        added = [name for name in scored.columns if name.startswith(MODEL_PREFIX)]
        return scored.withColumn(PROBABILITY, probability).drop(*added)


@dataclass(frozen=True)
class Model:
    """A loaded model and what it says of itself."""

    manifest: Manifest
    scorer: Scorer


def load_model(path: Path) -> Model:
    """The model in directory `path`, verified before any of it is loaded; needs a Spark session.

    Raises:
        ModelError: the model is missing, was tampered with, or does not fit this job.
    """
    manifest = read_manifest(path)
    verify_files(path, manifest)
    try:
        # As a URI, or a cluster's default file system would give other files, not verified.
        pipeline = PipelineModel.load(f"file://{path.resolve() / PIPELINE_NAME}")
        scorer = PipelineScorer(pipeline)
        _try_out(scorer)
    except SPARK_ERRORS as error:
        raise ModelError(
            f"model {path} (version {manifest.version}, saved by Spark {manifest.spark_version}) "
            f"cannot be used: {first_line(error)}; {HOW_TO_MEND}"
        ) from error
    return Model(manifest, scorer)


def first_line(error: BaseException) -> str:
    """What Spark says went wrong, without its stack trace."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]


def _try_out(scorer: Scorer) -> None:
    """Lets Spark analyse the scoring of no rows, which finds columns that do not fit."""
    nobody = SparkSession.active().createDataFrame([], FEATURES_SCHEMA)
    scorer.with_probability(nobody)
