"""A pipeline of Spark ML that scores, built from the stages that were read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import and_
from typing import Any

from py4j.java_gateway import JavaGateway, JavaObject
from pyspark.ml import PipelineModel, Transformer
from pyspark.ml.functions import vector_to_array
from pyspark.ml.wrapper import JavaParams, JavaWrapper
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from telco_churn.model.features import NUMERIC_FEATURES
from telco_churn.model.scoring import CLASS_PROBABILITIES, PROBABILITY
from telco_churn.model.spark_ml.saved_stages import SavedStage, matrix, vector

_KEPT = "_kept"


@dataclass(frozen=True)
class PipelineScorer:
    """Scores by the stages of a Spark ML pipeline as they are."""

    pipeline: PipelineModel

    def select_scored(
        self,
        customers: DataFrame,
        features: Mapping[str, Column],
        before: Sequence[Column],
        after: Sequence[Column],
    ) -> DataFrame:
        """See `Scorer`."""
        # The stages look for the features by their names.
        named = [feature.alias(name) for name, feature in features.items()]
        kept = customers.select(F.struct(*before).alias(_KEPT), *named)
        scored = self.pipeline.transform(kept)
        # Element 1 belongs to label 1, the customers who leave.
        probability = F.get(vector_to_array(F.col(CLASS_PROBABILITIES)), F.lit(1))
        has_numbers = reduce(and_, (F.col(name).isNotNull() for name in NUMERIC_FEATURES))
        return scored.select(
            f"{_KEPT}.*", F.when(has_numbers, probability).alias(PROBABILITY), *after
        )


def restore_pipeline(stages: Sequence[SavedStage]) -> PipelineModel:
    """The pipeline that was saved, built from what was read: Spark reads no file again."""
    return PipelineModel([_restored(stage) for stage in stages])


def _restored(stage: SavedStage) -> Transformer:
    gateway = SparkSession.active().sparkContext._gateway
    assert gateway is not None
    java: Any = JavaWrapper._new_java_obj(stage.class_name, stage.uid, *_fit(gateway, stage))
    reader = gateway.jvm.org.apache.spark.ml.util.DefaultParamsReader
    metadata = reader.parseMetadata(stage.metadata, stage.class_name)
    # Scala compiles the default of the second argument to a method of this name.
    metadata.getAndSetParams(java, getattr(metadata, "getAndSetParams$default$2")())
    transformer: Transformer = JavaParams._from_java(java)
    return transformer


def _fit(gateway: JavaGateway, stage: SavedStage) -> list[Any]:
    """What the constructor of the stage's class takes after the UID."""
    if not stage.rows:
        return []
    (row,) = stage.rows
    text = gateway.jvm.java.lang.String
    match stage.class_name.rpartition(".")[2]:
        case "StringIndexerModel":
            labels = gateway.new_array(text, len(row["labelsArray"]), 0)
            for place, values in enumerate(row["labelsArray"]):
                labels[place] = _array(values, text)
            return [labels]
        case "OneHotEncoderModel":
            return [_array(row["categorySizes"], gateway.jvm.int)]
        case "ImputerModel":
            return [_array(list(row), text), _array(list(row.values()), gateway.jvm.double)]
        case "StandardScalerModel":
            return [vector(row["std"]), vector(row["mean"])]
        case "MinMaxScalerModel":
            return [vector(row["originalMin"]), vector(row["originalMax"])]
        case "LogisticRegressionModel":
            weights = [matrix(row["coefficientMatrix"]), vector(row["interceptVector"])]
            return [*weights, row["numClasses"], row["isMultinomial"]]
        case other:
            raise ValueError(f"{other} with a fit")


def _array(values: list[Any], java_class: Any) -> JavaObject:
    return JavaWrapper._new_java_array(values, java_class)
