"""A pipeline of Spark ML that scores, built from the stages that were read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from py4j.java_gateway import JavaGateway, JavaObject
from pyspark.ml import PipelineModel, Transformer
from pyspark.ml.functions import vector_to_array
from pyspark.ml.wrapper import JavaParams, JavaWrapper
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from telco_churn.model.features import Features
from telco_churn.model.scoring import CLASS_PROBABILITIES, PROBABILITY, select_by_names
from telco_churn.model.spark_ml.java_trees import java_array, java_root
from telco_churn.model.spark_ml.saved_stages import SavedStage, matrix, vector


@dataclass(frozen=True)
class PipelineScorer:
    """Scores by the stages of a Spark ML pipeline as they are.

    Attributes:
        pipeline: the stages.
        features: that they read.
        probabilities: the column in which they leave the probabilities of both labels.
    """

    pipeline: PipelineModel
    features: Features
    probabilities: str = CLASS_PROBABILITIES

    def select_scored(
        self,
        customers: DataFrame,
        features: Mapping[str, Column],
        before: Sequence[Column],
        after: Sequence[Column],
        name: str = PROBABILITY,
    ) -> DataFrame:
        """See `Scorer`."""
        # Element 1 belongs to label 1, a yes.
        probability = F.get(vector_to_array(F.col(self.probabilities)), F.lit(1))
        numbers, transform = self.features.numbers, self.pipeline.transform
        return select_by_names(
            *(customers, features, numbers, before, after, transform, probability, name)
        )

    def probability_col(self, features: Mapping[str, Column]) -> None:
        """See `Scorer`: stages add columns."""


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
    if stage.trees:
        return _fit_of_trees(gateway, stage)
    if not stage.rows:
        return []
    (row,) = stage.rows
    text = gateway.jvm.java.lang.String
    match stage.kind:
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
        case "MaxAbsScalerModel":
            return [vector(row["maxAbs"])]
        case "RobustScalerModel":
            return [vector(row["range"]), vector(row["median"])]
        case "NaiveBayesModel":
            return [vector(row["pi"]), matrix(row["theta"]), matrix(row["sigma"])]
        case "LogisticRegressionModel":
            weights = [matrix(row["coefficientMatrix"]), vector(row["interceptVector"])]
            return [*weights, row["numClasses"], row["isMultinomial"]]
        case other:
            raise ValueError(f"{other} with a fit")


def _fit_of_trees(gateway: JavaGateway, stage: SavedStage) -> list[Any]:
    saved = json.loads(stage.metadata)
    features, classes = saved["numFeatures"], saved.get("numClasses", 2)
    impurity = stage.settings["impurity"]
    roots = [java_root(gateway, tree.nodes, impurity) for tree in stage.trees]
    ml = gateway.jvm.org.apache.spark.ml
    match stage.kind:
        case "DecisionTreeClassificationModel":
            return [*roots, features, classes]
        case "RandomForestClassificationModel":
            one = ml.classification.DecisionTreeClassificationModel
            trees = [
                one(f"{stage.uid}_{k}", root, features, classes) for k, root in enumerate(roots)
            ]
            return [java_array(gateway, one, trees), features, classes]
        case "GBTClassificationModel":
            one = ml.regression.DecisionTreeRegressionModel
            trees = [one(f"{stage.uid}_{k}", root, features) for k, root in enumerate(roots)]
            weights = _array([tree.weight for tree in stage.trees], gateway.jvm.double)
            return [java_array(gateway, one, trees), weights, features, classes]
        case other:
            raise ValueError(f"{other} with trees")


def _array(values: list[Any], java_class: Any) -> JavaObject:
    return JavaWrapper._new_java_array(values, java_class)
