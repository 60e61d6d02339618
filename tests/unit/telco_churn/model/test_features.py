from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from chispa import assert_df_equality
from churn_kind import CATEGORICAL_FEATURES, CHURN, FEATURES, FEATURES_SCHEMA, NUMERIC_FEATURES
from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructField, StructType
from saved_models import SHIPPED

from churn_tools.customers.synthetic import synthetic_customers
from telco_churn.contract.schema import Contract, parse_contract
from telco_churn.errors import ModelError
from telco_churn.model.features import (
    Features,
    check_features,
    feature_cols,
    number_col,
    or_blank,
)
from telco_churn.model.manifest import read_manifest

CUSTOMER: dict[str, Any] = dict(next(synthetic_customers(1)))
EVENT_SCHEMA = CHURN.event.schema
NOT_NUMBERS = ["abc", "1d", "1f", "NaN", "Infinity", "1e400", "29,85", "0x1F", "29.85\n", " 1", "."]


def contract(**properties: Mapping[str, object]) -> Contract:
    return parse_contract("some_event.json", {"type": "object", "properties": properties})


def number_or_text(**of_text: object) -> dict[str, object]:
    return {"oneOf": [{"type": "number"}, {"type": "string", **of_text}]}


def test_the_shipped_model_reads_the_fields_of_the_contract_that_have_no_role() -> None:
    features = read_manifest(SHIPPED).features
    assert set(features.categories) == set(CATEGORICAL_FEATURES)
    assert set(features.numbers) == set(NUMERIC_FEATURES)
    check_features(features, CHURN.event, "Churn")


def event(**fields: object) -> list[object]:
    """The customer as `from_json` reads it: numbers as DOUBLE, TotalCharges as text."""
    customer = CUSTOMER | fields
    numbers = {f.name for f in EVENT_SCHEMA if f.dataType.typeName() == "double"}
    return [
        float(customer[name]) if name in numbers else customer.get(name)
        for name in EVENT_SCHEMA.fieldNames()
    ]


def seen(total_charges: float | None) -> list[object]:
    """What the model reads of the customer."""
    numbers = [float(CUSTOMER[name]) for name in NUMERIC_FEATURES if name != "TotalCharges"]
    assert NUMERIC_FEATURES[-1] == "TotalCharges"
    return [*(CUSTOMER[name] for name in CATEGORICAL_FEATURES), *numbers, total_charges]


def test_features_are_the_fields_of_the_event_with_text_of_a_number_as_a_number(
    spark: SparkSession,
) -> None:
    rows = [
        (event(TotalCharges="1e3"), seen(1000.0)),
        (event(TotalCharges="  "), seen(0.0)),
        (event(TotalCharges="no number"), seen(None)),
        (None, [None] * len(FEATURES_SCHEMA)),
    ]
    events = spark.createDataFrame(
        [(given,) for given, _ in rows], StructType([StructField("event", EVENT_SCHEMA)])
    )
    expected = spark.createDataFrame([row for _, row in rows], FEATURES_SCHEMA)
    cols = feature_cols(F.col("event"), FEATURES, CHURN.event)
    read = events.select(*(col.alias(name) for name, col in cols.items()))
    assert_df_equality(read, expected, ignore_nullable=True)


def values(spark: SparkSession, column: Column, texts: Sequence[str | None]) -> list[float | None]:
    frame = spark.createDataFrame([(text,) for text in texts], "size STRING").coalesce(1)
    return [row[0] for row in frame.select(column).collect()]


@pytest.mark.parametrize(
    ("of_text", "blank"), [({}, None), ({"x-blank": 0}, 0.0), ({"x-blank": -7}, -7.0)]
)
def test_blank_text_is_the_number_that_the_contract_says_or_none(
    spark: SparkSession, of_text: dict[str, object], blank: float | None
) -> None:
    read = contract(size=number_or_text(**of_text))
    event = F.struct(F.col("size"))
    column = feature_cols(event, Features((), ("size",)), read)["size"]
    found = values(spark, column, ["", "  ", "1e3", "abc", None])
    assert found == [blank, blank, 1000.0, None, None]


def test_ansi_mode_is_on_so_that_a_plain_cast_would_throw(spark: SparkSession) -> None:
    assert spark.conf.get("spark.sql.ansi.enabled") == "true"


def test_a_number_is_read_from_text(spark: SparkSession) -> None:
    texts = ["29.85", "0", "1e3", "1E+2", "-0.0", "1e-400"]
    assert values(spark, number_col(F.col("size")), texts) == [29.85, 0.0, 1e3, 1e2, -0.0, 0.0]


def test_what_is_not_a_finite_number_becomes_null_and_never_throws(spark: SparkSession) -> None:
    (field,) = contract(size=number_or_text(**{"x-blank": 0})).fields
    number = number_col(F.col("size"))
    for column in (number, or_blank(field, F.col("size"), number)):
        assert values(spark, column, [*NOT_NUMBERS, None]) == [None] * (len(NOT_NUMBERS) + 1)
    assert values(spark, number, ["", " "]) == [None, None]


TEXT, NUMBER = {"type": "string"}, {"type": "integer"}


@pytest.mark.parametrize(
    ("features", "fault"),
    [
        (Features(("colour",), ()), "has no property colour, which the model reads as text"),
        (Features((), ("Size",)), "has no property Size, which the model reads as a number"),
        (Features((), ("kind",)), "property kind is text, which the model reads as a number"),
        (Features(("size",), ()), "property size is a number, which the model reads as text"),
        (Features(("price",), ()), "property price is a number, which the model reads as text"),
        (Features(("outcome",), ()), "property outcome is the label, and the model reads it"),
        (Features(("_row",), ()), "property _row begins with _, which no feature may"),
    ],
)
def test_a_model_that_does_not_fit_the_contract_is_refused_with_file_and_field(
    features: Features, fault: str
) -> None:
    read = contract(kind=TEXT, size=NUMBER, price=number_or_text(), outcome=TEXT, _row=TEXT)
    with pytest.raises(ModelError) as refusal:
        check_features(features, read, "outcome")
    assert str(refusal.value) == (
        f"contract some_event.json: {fault}; take a model that was fitted to such events "
        "(--model-path), or the contract that this one was fitted to (--contract)"
    )
    check_features(Features(("kind",), ("size", "price")), read, "outcome")
