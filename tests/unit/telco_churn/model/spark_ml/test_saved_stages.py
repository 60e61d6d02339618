from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.ml import PipelineModel
from pyspark.ml.classification import LogisticRegressionModel
from pyspark.ml.feature import StringIndexerModel
from pyspark.sql import SparkSession
from saved_models import SHIPPED, copy_of, metadata_of, pipeline_of

from telco_churn.errors import ModelError
from telco_churn.model.spark_ml.saved_stages import matrix, read_stages, vector


def test_what_is_read_is_what_spark_loads(spark: SparkSession) -> None:
    indexer, _, _, regression = PipelineModel.load(f"file://{SHIPPED / 'pipeline'}").stages
    assert isinstance(indexer, StringIndexerModel)
    assert isinstance(regression, LogisticRegressionModel)
    labels, sizes, _, fit = (stage.rows for stage in read_stages(SHIPPED / "pipeline"))
    assert labels[0]["labelsArray"] == [list(values) for values in indexer.labelsArray]
    assert sizes[0]["categorySizes"] == [len(values) + 1 for values in indexer.labelsArray]
    assert matrix(fit[0]["coefficientMatrix"]) == regression.coefficientMatrix
    assert vector(fit[0]["interceptVector"]) == regression.interceptVector
    assert (fit[0]["numClasses"], fit[0]["isMultinomial"]) == (2, False)


@pytest.mark.parametrize(("rows", "columns"), [(2**31 - 1, 2), (3_163, 3_163), (-1, 1)])
def test_a_sparse_matrix_that_says_it_is_huge_is_refused(rows: int, columns: int) -> None:
    fields = {"type": 0, "numRows": rows, "numCols": columns, "isTransposed": False}
    nothing: dict[str, object] = {"colPtrs": [0], "rowIndices": [], "values": []}
    with pytest.raises(ValueError, match="10,000,000 at most"):
        matrix(fields | nothing)


def test_a_sparse_vector_that_says_it_is_huge_is_refused() -> None:
    with pytest.raises(ValueError, match="10,000,000 at most"):
        vector({"type": 0, "size": 2**31 - 1, "indices": [], "values": []})


KINDS = [
    "StringIndexerModel",
    "OneHotEncoderModel",
    "ImputerModel",
    "Bucketizer",
    "VectorAssembler",
    "StandardScalerModel",
    "MinMaxScalerModel",
    "VectorAssembler",
    "LogisticRegressionModel",
]


def kinds(pipeline: Path) -> list[str]:
    return [stage.class_name.rpartition(".")[2] for stage in read_stages(pipeline)]


def test_stages_are_read_in_their_order(spark: SparkSession, every_kind_saved: Path) -> None:
    assert kinds(pipeline_of(every_kind_saved)) == KINDS


def test_the_stages_of_an_inner_pipeline_take_its_place(
    spark: SparkSession, tmp_path: Path
) -> None:
    shipped = PipelineModel.load(f"file://{SHIPPED / 'pipeline'}")._to_java()
    ml = spark.sparkContext._jvm.org.apache.spark.ml  # type: ignore[union-attr]
    # Saved by Java: Python's own pipelines are of a class that is not allowed in a model.
    ml.PipelineModel("outer", [shipped, *[ml.feature.VectorAssembler() for _ in range(9)]]).save(
        f"file://{tmp_path / 'outer'}"
    )
    inner = ["StringIndexerModel", "OneHotEncoderModel", "VectorAssembler"]
    assert kinds(tmp_path / "outer") == [
        *inner,
        "LogisticRegressionModel",
        *["VectorAssembler"] * 9,
    ]


def test_a_default_is_a_setting_unless_another_is_given(
    spark: SparkSession, every_kind_saved: Path
) -> None:
    by_name = {
        stage.class_name.rpartition(".")[2]: stage.settings
        for stage in read_stages(pipeline_of(every_kind_saved))
    }
    assert by_name["StandardScalerModel"]["withStd"] is True
    assert by_name["MinMaxScalerModel"]["max"] == 2.0
    assert by_name["Bucketizer"]["handleInvalid"] == "keep"


def test_no_spark_job_runs(spark: SparkSession, every_kind_saved: Path) -> None:
    def jobs() -> int:
        return int(spark.sparkContext._jsc.sc().statusStore().jobsList(None).size())

    before = jobs()
    read_stages(pipeline_of(every_kind_saved))
    assert jobs() == before


def test_lists_are_read_in_the_older_form_too(spark: SparkSession, tmp_path: Path) -> None:
    shipped = PipelineModel.load(f"file://{SHIPPED / 'pipeline'}")
    spark.conf.set("spark.sql.parquet.writeLegacyFormat", "true")
    try:
        PipelineModel(shipped.stages[:2]).write().save(f"file://{tmp_path / 'older'}")
    finally:
        spark.conf.unset("spark.sql.parquet.writeLegacyFormat")
    older, shipped_stages = read_stages(tmp_path / "older"), read_stages(SHIPPED / "pipeline")
    assert [stage.rows for stage in older] == [stage.rows for stage in shipped_stages[:2]]


@pytest.mark.parametrize(
    "text",
    ["", "\n", "{}", "[]", '{"class": "a"}\n{"class": "b"}', '{"class": "a", "uid": "b"}'],
)
def test_metadata_that_spark_did_not_write_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "metadata").mkdir()
    (tmp_path / "metadata/part-00000").write_text(text)
    with pytest.raises(ModelError, match="is not a saved pipeline"):
        read_stages(tmp_path)


def test_a_stage_without_files_is_refused(spark: SparkSession, tmp_path: Path) -> None:
    model = copy_of(SHIPPED, tmp_path / "model")
    metadata_of(model, "VectorAssembler").unlink()
    with pytest.raises(ModelError, match="is not a saved pipeline"):
        read_stages(pipeline_of(model))
