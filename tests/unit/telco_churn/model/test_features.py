from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import pytest
from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F

from telco_churn.model.features import (
    CATEGORICAL_FEATURES,
    FEATURES_SCHEMA,
    NUMERIC_FEATURES,
    number_col,
    total_charges_col,
)
from telco_churn.paths import project_home

NOT_NUMBERS = ["abc", "1d", "1f", "NaN", "Infinity", "1e400", "29,85", "0x1F", "29.85\n", " 1", "."]


def converted(
    spark: SparkSession, convert: Callable[[Column], Column], texts: Sequence[str | None]
) -> list[float | None]:
    frame = spark.createDataFrame([(text,) for text in texts], "text STRING").coalesce(1)
    return [row[0] for row in frame.select(convert(F.col("text"))).collect()]


def test_the_features_are_the_contracts_fields_but_for_id_time_and_label() -> None:
    fields = json.loads((project_home() / "conf/contracts/customer_event.json").read_text())[
        "properties"
    ]
    features = fields.keys() - {"customerID", "event_ts", "Churn"}
    assert features == {*CATEGORICAL_FEATURES, *NUMERIC_FEATURES}
    assert {name for name in features if "enum" in fields[name]} == set(CATEGORICAL_FEATURES)
    assert FEATURES_SCHEMA.fieldNames() == [*CATEGORICAL_FEATURES, *NUMERIC_FEATURES]


def test_ansi_mode_is_on_so_that_a_plain_cast_would_throw(spark: SparkSession) -> None:
    assert spark.conf.get("spark.sql.ansi.enabled") == "true"


def test_total_charges_are_read_from_text(spark: SparkSession) -> None:
    texts = ["29.85", "0", "1e3", "1E+2", "-0.0", "1e-400"]
    assert converted(spark, total_charges_col, texts) == [29.85, 0.0, 1000.0, 100.0, -0.0, 0.0]


@pytest.mark.parametrize("convert", [number_col, total_charges_col])
def test_what_is_not_a_finite_number_becomes_null_and_never_throws(
    spark: SparkSession, convert: Callable[[Column], Column]
) -> None:
    assert converted(spark, convert, [*NOT_NUMBERS, None]) == [None] * (len(NOT_NUMBERS) + 1)


def test_blank_total_charges_are_zero_but_another_blank_number_is_null(spark: SparkSession) -> None:
    assert converted(spark, total_charges_col, ["", " ", "   "]) == [0.0, 0.0, 0.0]
    assert converted(spark, number_col, ["", " "]) == [None, None]
