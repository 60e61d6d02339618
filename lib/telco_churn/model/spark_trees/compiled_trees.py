"""The probability of a pipeline that ends in trees, without the pipeline's stages.

What comes before the trees becomes expressions; the trees become a regression over what they ask
about. It is Spark's own walk through the trees that gives the number, so that a forest adds no more
expressions to a plan than one tree. As expressions a forest takes longer, one tree less
(bench/README.md has the figures).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_

from py4j.java_gateway import JavaObject
from pyspark.ml.functions import array_to_vector
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import DoubleType, StringType, StructType

from telco_churn.model.spark_ml.java_trees import java_array, java_root
from telco_churn.model.spark_ml.saved_stages import SavedStage
from telco_churn.model.spark_ml.saved_trees import Node, Tree
from telco_churn.model.spark_trees.elements import NotRestatedError, Scalar, Vector
from telco_churn.model.spark_trees.restating import Questions
from telco_churn.model.spark_trees.stages_before import Preparation

_ASKED, _FOUND = "_trees_asked", "_trees_found"


@dataclass(frozen=True)
class RestatedTrees:
    """Trees that ask about plain columns.

    Attributes:
        asked: the columns, DOUBLE, never null.
        refused: BOOLEAN columns, true where Spark would drop the row or throw.
        trees: their splits look at `asked`, their leaves' predictions times their weights add up.
        is_log_odds: to half of the log odds, not to the probability.
    """

    asked: Sequence[Column]
    refused: Sequence[Column]
    trees: Sequence[Tree]
    is_log_odds: bool

    def probability_col(self, total: Column) -> Column:
        """DOUBLE from 0 to 1, null for a row that is refused, of what the trees add up to."""
        probability = 1 / (1 + F.exp(-2 * total)) if self.is_log_odds else total
        if not self.refused:
            return probability
        return F.when(reduce(or_, self.refused), F.lit(None)).otherwise(probability)


@dataclass(frozen=True)
class CompiledTrees:
    """Gives the probability of label 1.

    Attributes:
        restated: what is asked of a row, and how its probability comes from what is found.
        regression: the same trees, as Spark's GBTRegressionModel.
    """

    restated: RestatedTrees
    regression: JavaObject

    def with_probability(self, rows: DataFrame, name: str) -> DataFrame:
        """`rows` with a DOUBLE column `name`, from 0 to 1, and some of names `_trees_…`.

        It is what the pipeline gives. Where the pipeline would drop the row, or throw, it is null.

        Args:
            rows: batch or streaming, with the columns that the pipeline reads.
            name: no column of `rows`.
        """
        asked = rows.withColumn(_ASKED, array_to_vector(F.array(*self.restated.asked)))
        found = DataFrame(self.regression.transform(asked._jdf), rows.sparkSession)
        return found.withColumn(name, self.restated.probability_col(F.col(_FOUND)))


def compile_trees(stages: Sequence[SavedStage], schema: StructType) -> CompiledTrees:
    """What gives the same probabilities as the pipeline; needs a Spark session.

    Args:
        stages: of a fitted pipeline.
        schema: the columns that it reads, STRING and DOUBLE.

    Raises:
        NotRestatedError: it does not end in trees, or has what is not restated here.
    """
    restated = restate_trees(stages, schema)
    return CompiledTrees(restated, _regression(restated.trees, len(restated.asked)))


def restate_trees(stages: Sequence[SavedStage], schema: StructType) -> RestatedTrees:
    """See `compile_trees`."""
    if not stages or not stages[-1].trees:
        raise NotRestatedError("no trees at its end")
    *before, last = stages
    preparation = Preparation(_columns(schema))
    for stage in before:
        preparation.apply(stage)
    vectors = preparation.vector(last, last.settings["featuresCol"])
    if vectors.is_null is not None:
        raise NotRestatedError(f"{last.uid} may be given a null")
    questions = Questions(vectors.elements)
    is_boosted = last.kind == "GBTClassificationModel"
    trees = [questions.restated(tree, _predicted if is_boosted else _share) for tree in last.trees]
    if not is_boosted:
        trees = [replace(tree, weight=1 / len(trees)) for tree in trees]
    # A vector has at least one element, also if no tree asks anything.
    asked = questions.columns() or [F.lit(0.0)]
    return RestatedTrees(asked, preparation.refused, trees, is_boosted)


def _columns(schema: StructType) -> dict[str, Column | Scalar | Vector]:
    columns: dict[str, Column | Scalar | Vector] = {}
    for field in schema:
        match field.dataType:
            case StringType():
                columns[field.name] = F.col(field.name)
            case DoubleType():
                columns[field.name] = Scalar(F.col(field.name))
    return columns


def _predicted(leaf: Node) -> float:
    return leaf.prediction


def _share(leaf: Node) -> float:
    """The share of label 1 among those who came to the leaf."""
    total = sum(leaf.counts)
    if not total:
        raise NotRestatedError("a leaf without rows")
    return leaf.counts[1] / total


def _regression(trees: Sequence[Tree], width: int) -> JavaObject:
    gateway = SparkSession.active().sparkContext._gateway
    assert gateway is not None
    ml = gateway.jvm.org.apache.spark.ml.regression
    one = ml.DecisionTreeRegressionModel
    made = [
        one(f"tree_{place}", java_root(gateway, tree.nodes, "variance"), width)
        for place, tree in enumerate(trees)
    ]
    weights = java_array(gateway, gateway.jvm.double, [tree.weight for tree in trees])
    regression: JavaObject = ml.GBTRegressionModel(
        "trees", java_array(gateway, one, made), weights, width
    )
    regression.setFeaturesCol(_ASKED)
    regression.setPredictionCol(_FOUND)
    return regression
