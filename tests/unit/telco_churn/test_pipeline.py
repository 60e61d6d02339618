from __future__ import annotations

from typing import Any

from chispa import assert_df_equality
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructField, StructType

from churn_tools.customers.synthetic import synthetic_customers
from telco_churn.contract.schema import load_contract
from telco_churn.model.features import (
    CATEGORICAL_FEATURES,
    FEATURES_SCHEMA,
    NUMERIC_FEATURES,
    valid_charges_col,
)
from telco_churn.pipeline import features_of

CUSTOMER: dict[str, Any] = dict(next(synthetic_customers(1)))
EVENT_SCHEMA = load_contract("customer_event").schema


def event(**fields: object) -> list[object]:
    """The customer as `from_json` reads it: numbers as DOUBLE, TotalCharges as text."""
    customer = CUSTOMER | fields
    numbers = {f.name for f in EVENT_SCHEMA if f.dataType.typeName() == "double"}
    return [
        float(customer[name]) if name in numbers else customer.get(name)
        for name in EVENT_SCHEMA.fieldNames()
    ]


def features(total_charges: float | None) -> list[object]:
    """What the model reads of the customer."""
    numbers = [float(CUSTOMER[name]) for name in NUMERIC_FEATURES if name != "TotalCharges"]
    assert NUMERIC_FEATURES[-1] == "TotalCharges"
    return [*(CUSTOMER[name] for name in CATEGORICAL_FEATURES), *numbers, total_charges]


def test_features_are_the_fields_of_the_event_with_charges_as_a_number(
    spark: SparkSession,
) -> None:
    rows = [
        (event(TotalCharges="1e3"), features(1000.0)),
        (event(TotalCharges="  "), features(0.0)),
        (event(TotalCharges="no number"), features(None)),
        (None, [None] * len(FEATURES_SCHEMA)),
    ]
    events = spark.createDataFrame(
        [(given,) for given, _ in rows], StructType([StructField("event", EVENT_SCHEMA)])
    )
    expected = spark.createDataFrame([seen for _, seen in rows], FEATURES_SCHEMA)
    read = events.select(*(f.alias(name) for name, f in features_of(F.col("event")).items()))
    assert_df_equality(read, expected, ignore_nullable=True)


def test_charges_that_cannot_be_read_are_null_so_that_they_become_a_dead_letter(
    spark: SparkSession,
) -> None:
    cases = [
        ("29.85", 29.85),
        ("1e3", 1000.0),
        ("", 0.0),
        ("   ", 0.0),
        ("abc", None),
        (None, None),
    ]
    expected = spark.createDataFrame(cases, "text string, charges double")
    read = expected.select("text", valid_charges_col(F.col("text")).alias("charges"))
    assert_df_equality(read, expected, ignore_nullable=True)
