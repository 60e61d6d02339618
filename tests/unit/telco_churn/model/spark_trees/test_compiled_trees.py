from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest
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

from stream_telemetry.run.causes import SPARK_ERRORS
from telco_churn.model.spark_ml.saved_stages import read_stages
from telco_churn.model.spark_trees.compiled_trees import compile_trees
from telco_churn.model.spark_trees.elements import NotRestatedError

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
EVALUATION = "spark.sql.codegen.factoryMode"
# They can only be made when there is a session.
KINDS: Mapping[str, Callable[[], Estimator[Any]]] = {
    "tree": lambda: DecisionTreeClassifier(maxDepth=6),
    "forest": lambda: RandomForestClassifier(numTrees=7, seed=1),
    "boosted": lambda: GBTClassifier(maxIter=4, seed=1),
    "leaf": lambda: DecisionTreeClassifier(maxDepth=0),
    "none": lambda: LogisticRegression(maxIter=1),
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


def every_stage(invalid: str) -> Stages:
    """All that may come before trees, with several ways to the features."""
    encoders_invalid = "keep" if invalid == "keep" else "error"
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
            inputCols=["color_at", "kind"],
            outputCols=["color_in", "kind_in"],
            handleInvalid=encoders_invalid,
        ),
        OneHotEncoder(
            inputCols=["shape_at", "bucket"],
            outputCols=["shape_in", "bucket_in"],
            dropLast=False,
            handleInvalid=encoders_invalid,
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
            inputCols=[
                "shape_at",
                "color_in",
                "kind_in",
                "shape_in",
                "bucket_in",
                "ranged",
                "size",
            ],
            outputCol="features",
            handleInvalid=invalid,
        ),
    ]


def labelled(spark: SparkSession) -> DataFrame:
    leaves = (
        (F.col("color") == "red") & (F.col("size") > 8)
        | (F.col("kind") == 1) & (F.col("price") < 6)
        | (F.col("shape") == "flat") & (F.col("price") > 15)
    )
    # Some do the opposite, so that few leaves are pure.
    does_not = F.pmod(F.xxhash64("size"), F.lit(5)) == 0
    rows = spark.createDataFrame([*usual_rows(1, 400)], SCHEMA).coalesce(1)
    return rows.withColumn("label", (leaves != does_not).cast("double"))


def fitted(spark: SparkSession, invalid: str, *classifiers: Estimator[Any]) -> list[PipelineModel]:
    """For each classifier a pipeline with all stages before it, which are fitted once."""
    rows = labelled(spark)
    before = Pipeline(stages=every_stage(invalid)).fit(rows)
    prepared = before.transform(rows).cache()
    return [PipelineModel([*before.stages, one.fit(prepared)]) for one in classifiers]


@pytest.fixture(scope="module")
def keeping(spark: SparkSession) -> Mapping[str, PipelineModel]:
    """By kind of trees, a pipeline that keeps what it does not know."""
    pipelines = fitted(spark, "keep", *(make() for make in KINDS.values()))
    return dict(zip(KINDS, pipelines, strict=True))


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


@pytest.mark.parametrize(
    ("kind", "scores"), [("tree", 10), ("forest", 100), ("boosted", 50), ("leaf", 1)]
)
def test_every_kind_of_trees_scores_as_its_stages_do(
    spark: SparkSession,
    keeping: Mapping[str, PipelineModel],
    tmp_path: Path,
    kind: str,
    scores: int,
) -> None:
    rows = [*usual_rows(2, 300), *odd_rows(3, 1_200)]
    customers = numbered(spark, rows)
    found = compiled_scores(customers, saved(keeping[kind], tmp_path))
    assert wrong(rows, found, stage_scores(customers, keeping[kind])) == []
    assert len(set(found.values())) >= scores
    assert None not in found.values()


def test_rows_that_a_stage_skips_have_no_score(spark: SparkSession, tmp_path: Path) -> None:
    (pipeline,) = fitted(spark, "skip", KINDS["tree"]())
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


@pytest.fixture(scope="module")
def throwing(spark: SparkSession) -> PipelineModel:
    """A pipeline that ends the job at what it does not know."""
    (pipeline,) = fitted(spark, "error", KINDS["tree"]())
    return pipeline


def test_rows_at_which_a_stage_throws_have_no_score(
    spark: SparkSession, throwing: PipelineModel, tmp_path: Path
) -> None:
    rows = [USUAL, *THROWS, *odd_rows(5, 400)]
    found = compiled_scores(numbered(spark, rows), saved(throwing, tmp_path))
    assert [number for number in range(len(THROWS) + 1) if found[number] is not None] == [0]
    scored = [row for n, row in enumerate(rows) if found[n] is not None]
    assert len(scored) > 50
    # It throws at none of them, and each is given the same score.
    found = {place: found[rows.index(row)] for place, row in enumerate(scored)}
    assert wrong(scored, found, stage_scores(numbered(spark, scored), throwing)) == []


@pytest.mark.slow
@pytest.mark.parametrize("row", THROWS)
def test_a_stage_throws_at_these_rows(
    spark: SparkSession, throwing: PipelineModel, row: Row
) -> None:
    with pytest.raises(SPARK_ERRORS):
        stage_scores(numbered(spark, [row]), throwing)


def test_interpreted_and_generated_plans_give_the_same(
    spark: SparkSession, keeping: Mapping[str, PipelineModel], tmp_path: Path
) -> None:
    pipeline = saved(keeping["boosted"], tmp_path)
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


def test_a_pipeline_that_does_not_end_in_trees_is_not_restated(
    keeping: Mapping[str, PipelineModel], tmp_path: Path
) -> None:
    with pytest.raises(NotRestatedError, match="no trees"):
        compile_trees(read_stages(saved(keeping["none"], tmp_path)), SCHEMA)
