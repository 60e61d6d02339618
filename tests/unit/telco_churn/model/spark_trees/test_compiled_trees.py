from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest
from pyspark.errors import PySparkException
from pyspark.ml import Estimator, Pipeline, PipelineModel, Transformer
from pyspark.ml.classification import (
    DecisionTreeClassifier,
    GBTClassifier,
    LogisticRegression,
    RandomForestClassifier,
)
from pyspark.ml.feature import (
    Bucketizer,
    Imputer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    RobustScaler,
    StandardScaler,
    StringIndexer,
    VectorAssembler,
)
from pyspark.ml.functions import vector_to_array
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import DoubleType, IntegerType, StringType, StructField, StructType

from telco_churn.model.spark_ml.saved_stages import read_stages
from telco_churn.model.spark_trees.compiled_trees import compile_trees
from telco_churn.model.spark_trees.elements import NotRestatedError
from telco_churn.query.source_and_sink import EVALUATION

Stages = list[Estimator[Any] | Transformer]
Row = tuple[str | None, str | None, float | None, float | None, float | None]

TEXTS = ("color", "shape")
NUMBERS = ("size", "price", "kind")
SCHEMA = StructType(
    [StructField(name, StringType()) for name in TEXTS]
    + [StructField(name, DoubleType()) for name in NUMBERS]
)
COLORS, SHAPES = ("red", "green", "blue, dark"), ("round", "flat")
ODD_TEXTS = (None, "unseen", "", " ", "red ", "blue")
ODD_NUMBERS = (None, math.nan, math.inf, -math.inf, -0.0, 0.0, 10.0, 1e300)
LAST_SPLIT = 1e9
# They can only be made when there is a session.
KINDS: Mapping[str, Callable[[], Estimator[Any]]] = {
    "tree": lambda: DecisionTreeClassifier(maxDepth=6),
    "forest": lambda: RandomForestClassifier(numTrees=7, seed=1),
    "boosted": lambda: GBTClassifier(maxIter=5, seed=1),
}


def usual_rows(seed: int, number: int) -> Iterator[Row]:
    random = Random(seed)
    for _ in range(number):
        color, shape = random.choice(COLORS), random.choice(SHAPES)
        size, price = random.gauss(10, 20), random.expovariate(0.1)
        yield color, shape, size, price, float(random.randrange(3))


def odd_rows(seed: int, number: int) -> Iterator[Row]:
    """Rows with one oddity or several, such as a pipeline may meet and was not fitted to."""
    random = Random(seed)
    for row in usual_rows(seed, number):
        odd: list[Any] = list(row)
        for _ in range(random.choice((1, 1, 2, 5))):
            place = random.randrange(len(odd))
            choices = ODD_TEXTS if place < len(TEXTS) else (*ODD_NUMBERS, 2.5, 3.0, -1.0)
            odd[place] = random.choice(choices)
        color, shape, size, price, kind = odd
        # Beyond the last bucket a stage throws, however it is set.
        yield color, shape, size, None if price and price > LAST_SPLIT else price, kind


def every_stage(invalid: str, drop_last: bool = True) -> Stages:
    """All that may come before trees; each column by a way of its own to `all`."""
    return [
        StringIndexer(
            inputCols=[*TEXTS], outputCols=["color_at", "shape_at"], handleInvalid=invalid
        ),
        Imputer(inputCol="size", outputCol="full_size"),
        Bucketizer(
            splits=[-math.inf, 0.0, 5.0, 10.0, LAST_SPLIT],
            inputCol="price",
            outputCol="bucket",
            handleInvalid=invalid,
        ),
        OneHotEncoder(
            inputCols=["color_at", "kind", "bucket"],
            outputCols=["color_in", "kind_in", "bucket_in"],
            dropLast=drop_last,
            handleInvalid="keep" if invalid == "keep" else "error",
        ),
        VectorAssembler(
            inputCols=["full_size", "price", "bucket", "color_in"],
            outputCol="numbers",
            handleInvalid=invalid,
        ),
        StandardScaler(inputCol="numbers", outputCol="standard", withMean=True),
        RobustScaler(inputCol="standard", outputCol="robust", withCentering=True),
        MaxAbsScaler(inputCol="robust", outputCol="small"),
        MinMaxScaler(inputCol="small", outputCol="ranged", min=-1.0, max=3.0),
        VectorAssembler(
            inputCols=["shape_at", "color_in", "kind_in", "bucket_in", "ranged", "size"],
            outputCol="features",
            handleInvalid=invalid,
        ),
    ]


def fitted(spark: SparkSession, stages: Stages) -> PipelineModel:
    rows = spark.createDataFrame([*usual_rows(1, 400)], SCHEMA)
    leaves = (
        (F.col("color") == "red") & (F.col("size") > 8)
        | (F.col("kind") == 1) & (F.col("price") < 6)
        | (F.col("shape") == "flat") & (F.col("price") > 15)
    )
    return Pipeline(stages=stages).fit(rows.withColumn("label", leaves.cast("double")))


def saved(pipeline: PipelineModel, directory: Path) -> Path:
    pipeline.write().save(f"file://{directory / 'pipeline'}")
    return directory / "pipeline"


def numbered(spark: SparkSession, rows: list[Row]) -> DataFrame:
    schema = StructType([*SCHEMA, StructField("n", IntegerType())])
    with_numbers = [(*row, n) for n, row in enumerate(rows)]
    return spark.createDataFrame(with_numbers, schema).coalesce(1)


def compiled_scores(rows: DataFrame, pipeline: Path) -> Mapping[int, float | None]:
    trees = compile_trees(read_stages(pipeline), SCHEMA)
    scored = trees.with_probability(rows, "score").select("n", "score")
    return {row["n"]: row["score"] for row in scored.collect()}


def stage_scores(rows: DataFrame, pipeline: PipelineModel) -> Mapping[int, float]:
    probability = F.get(vector_to_array(F.col("probability")), F.lit(1))
    scored = pipeline.transform(rows).select("n", probability.alias("score"))
    return {row["n"]: row["score"] for row in scored.collect()}


def wrong(
    rows: list[Row], found: Mapping[int, float | None], expected: Mapping[int, float]
) -> list[object]:
    """Rows with another score than that of the stages, who give none to some."""
    return [
        (row, found[n], expected.get(n))
        for n, row in enumerate(rows)
        if found[n] is not expected.get(n)
        and (n not in expected or found[n] != pytest.approx(expected[n], abs=1e-12))
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_trees_scores_as_its_stages_do(
    spark: SparkSession, tmp_path: Path, kind: str
) -> None:
    pipeline = fitted(spark, [*every_stage("keep"), KINDS[kind]()])
    rows = [*usual_rows(2, 300), *odd_rows(3, 1_200)]
    customers = numbered(spark, rows)
    found = compiled_scores(customers, saved(pipeline, tmp_path))
    assert wrong(rows, found, stage_scores(customers, pipeline)) == []
    assert len(set(found.values())) > 10
    assert None not in found.values()


def test_rows_that_a_stage_skips_have_no_score(spark: SparkSession, tmp_path: Path) -> None:
    pipeline = fitted(spark, [*every_stage("skip"), KINDS["tree"]()])
    rows = [row for row in odd_rows(4, 800) if row[4] in (0.0, 1.0, 2.0, None)]
    customers = numbered(spark, rows)
    found = compiled_scores(customers, saved(pipeline, tmp_path))
    expected = stage_scores(customers, pipeline)
    assert wrong(rows, found, expected) == []
    assert 50 < len(expected) < len(rows) - 50


USUAL: Row = ("red", "flat", 3.0, 4.0, 1.0)
BEYOND: Row = ("red", "flat", 3.0, 10 * LAST_SPLIT, 1.0)
THROWS: list[Row] = [
    BEYOND,
    (None, "flat", 3.0, 4.0, 1.0),
    ("unseen", "flat", 3.0, 4.0, 1.0),
    ("red", "flat", None, 4.0, 1.0),
    ("red", "flat", math.nan, 4.0, 1.0),
    ("red", "flat", 3.0, None, 1.0),
    ("red", "flat", 3.0, math.nan, 1.0),
    ("red", "flat", 3.0, 4.0, None),
    ("red", "flat", 3.0, 4.0, math.nan),
    ("red", "flat", 3.0, 4.0, 3.0),
    ("red", "flat", 3.0, 4.0, -1.0),
]


def test_rows_at_which_a_stage_throws_have_no_score(spark: SparkSession, tmp_path: Path) -> None:
    pipeline = fitted(spark, [*every_stage("error"), KINDS["tree"]()])
    rows = [USUAL, *THROWS, *odd_rows(5, 400)]
    found = compiled_scores(numbered(spark, rows), saved(pipeline, tmp_path))
    assert [number for number in range(len(THROWS) + 1) if found[number] is not None] == [0]
    scored = [row for n, row in enumerate(rows) if found[n] is not None]
    assert len(scored) > 50
    # It throws at none of them, and each is given the same score.
    found = {place: found[rows.index(row)] for place, row in enumerate(scored)}
    assert wrong(scored, found, stage_scores(numbered(spark, scored), pipeline)) == []
    for row in THROWS:
        with pytest.raises(PySparkException):
            stage_scores(numbered(spark, [row]), pipeline)


def test_a_category_without_a_column_of_its_own_is_told_apart_as_well(
    spark: SparkSession, tmp_path: Path
) -> None:
    pipeline = fitted(spark, [*every_stage("keep", drop_last=False), KINDS["boosted"]()])
    rows = [*odd_rows(6, 400)]
    customers = numbered(spark, rows)
    found = compiled_scores(customers, saved(pipeline, tmp_path))
    assert wrong(rows, found, stage_scores(customers, pipeline)) == []


def test_interpreted_and_generated_plans_give_the_same(spark: SparkSession, tmp_path: Path) -> None:
    pipeline = saved(fitted(spark, [*every_stage("keep"), KINDS["boosted"]()]), tmp_path)
    customers = numbered(spark, [*odd_rows(7, 100), BEYOND])
    scores = []
    for mode in ("NO_CODEGEN", "CODEGEN_ONLY"):
        spark.conf.set(EVALUATION, mode)
        try:
            scores.append(compiled_scores(customers, pipeline))
        finally:
            spark.conf.unset(EVALUATION)
    assert scores[0] == scores[1]
    assert [n for n, score in scores[0].items() if score is None] == [100]


def test_a_tree_that_asks_nothing_gives_everybody_its_share(
    spark: SparkSession, tmp_path: Path
) -> None:
    pipeline = fitted(spark, [*every_stage("keep"), DecisionTreeClassifier(maxDepth=0)])
    found = compiled_scores(numbered(spark, [USUAL] * 2), saved(pipeline, tmp_path))
    assert len(set(found.values())) == 1
    assert 0 < (found[0] or 0) < 1


def test_a_pipeline_that_does_not_end_in_trees_is_not_restated(
    spark: SparkSession, tmp_path: Path
) -> None:
    pipeline = saved(fitted(spark, [*every_stage("keep"), LogisticRegression(maxIter=1)]), tmp_path)
    with pytest.raises(NotRestatedError, match="no trees"):
        compile_trees(read_stages(pipeline), SCHEMA)
