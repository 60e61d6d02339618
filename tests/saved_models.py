"""Models on the disk as tests need them: fitted for real, then changed as nobody should."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

from churn_kind import CATEGORICAL_FEATURES, NUMERIC_FEATURES
from pyspark.ml import Estimator, Pipeline, PipelineModel, Transformer
from pyspark.ml.classification import LogisticRegression
from pyspark.ml.feature import (
    Bucketizer,
    Imputer,
    MinMaxScaler,
    OneHotEncoder,
    StandardScaler,
    StringIndexer,
    VectorAssembler,
)
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from churn_tools.training.saving import save_model
from telco_churn.model.manifest import MANIFEST_NAME, read_manifest
from telco_churn.model.scoring import CLASS_PROBABILITIES, MODEL_PREFIX
from telco_churn.paths import project_home

SHIPPED = project_home() / "models/churn"


def copy_of(model: Path, target: Path) -> Path:
    return Path(shutil.copytree(model, target))


def save_with_shipped_manifest(pipeline: PipelineModel, target: Path) -> Path:
    save_model(pipeline, read_manifest(SHIPPED), target)
    return target


def fit_every_kind_of_stage(customers: DataFrame) -> PipelineModel:
    """A pipeline with each class that a model may have."""
    indexes, vectors, numbers = (
        [f"{MODEL_PREFIX}{kind}_{name}" for name in names]
        for kind, names in (
            ("index", CATEGORICAL_FEATURES),
            ("vector", CATEGORICAL_FEATURES),
            ("number", NUMERIC_FEATURES),
        )
    )
    column = {
        name: f"{MODEL_PREFIX}{name}" for name in ("years", "numbers", "scaled", "small", "all")
    }
    years = [float("-inf"), 12.0, 48.0, float("inf")]
    stages: list[Estimator[Any] | Transformer] = [
        StringIndexer(inputCols=[*CATEGORICAL_FEATURES], outputCols=indexes, handleInvalid="keep"),
        OneHotEncoder(inputCols=indexes, outputCols=vectors, handleInvalid="keep"),
        Imputer(inputCols=[*NUMERIC_FEATURES], outputCols=numbers),
        Bucketizer(
            splits=years, inputCol=numbers[1], outputCol=column["years"], handleInvalid="keep"
        ),
        VectorAssembler(
            inputCols=[*numbers, column["years"]],
            outputCol=column["numbers"],
            handleInvalid="keep",
        ),
        StandardScaler(inputCol=column["numbers"], outputCol=column["scaled"], withMean=True),
        MinMaxScaler(inputCol=column["scaled"], outputCol=column["small"], max=2.0),
        VectorAssembler(
            inputCols=[*vectors, column["small"]], outputCol=column["all"], handleInvalid="keep"
        ),
        LogisticRegression(
            featuresCol=column["all"],
            probabilityCol=CLASS_PROBABILITIES,
            rawPredictionCol=f"{MODEL_PREFIX}raw",
            predictionCol=f"{MODEL_PREFIX}prediction",
            maxIter=3,
        ),
    ]
    labelled = customers.withColumn("label", (F.col("Contract") == "Two year").cast("double"))
    return Pipeline(stages=stages).fit(labelled)


def pipeline_of(model: Path) -> Path:
    """Where its stages are."""
    return model / read_manifest(model).pipeline


def metadata_of(model: Path, stage: str) -> Path:
    """The file with the settings of the only stage whose directory's name has `stage` in it."""
    (path,) = (
        path for path in pipeline_of(model).glob("**/metadata/part-*") if stage in path.parts[-3]
    )
    return path


def rewrite_as_if_listed(model: Path, source: Path, content: str | bytes) -> None:
    """What somebody would do who can also edit the manifest."""
    source.write_bytes(content if isinstance(content, bytes) else content.encode())
    document = json.loads((model / MANIFEST_NAME).read_text())
    name = source.relative_to(model).as_posix()
    document["files"][name] = hashlib.sha256(source.read_bytes()).hexdigest()
    (model / MANIFEST_NAME).write_text(json.dumps(document))


def add_stage(model: Path, class_name: str, **settings: object) -> None:
    """Gives it one stage more, without a fit; with a fifth stage no model is compiled."""
    uid = f"{class_name.rpartition('.')[2]}_more"
    (top,) = pipeline_of(model).glob("metadata/part-*")
    document = json.loads(top.read_text())
    place = len(document["paramMap"]["stageUids"])
    document["paramMap"]["stageUids"].append(uid)
    rewrite_as_if_listed(model, top, json.dumps(document))
    stage = {"class": f"org.apache.spark.ml.{class_name}", "uid": uid, "paramMap": settings}
    source = pipeline_of(model) / f"stages/{place}_{uid}/metadata/part-00000"
    source.parent.mkdir(parents=True)
    added = {**document, **stage, "defaultParamMap": {}}
    rewrite_as_if_listed(model, source, json.dumps(added))


def change_setting(model: Path, stage: str, **settings: object) -> str:
    """Sets parameters of one stage, as if it had been saved so; gives the stage's UID."""
    source = metadata_of(model, stage)
    metadata = json.loads(source.read_text())
    metadata["paramMap"] |= settings
    rewrite_as_if_listed(model, source, json.dumps(metadata))
    return str(metadata["uid"])
