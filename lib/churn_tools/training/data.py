"""Customers to learn from: the public CSV file, or synthetic ones in the same format."""

from __future__ import annotations

import csv
from itertools import islice
from pathlib import Path

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StringType, StructField, StructType

from churn_tools.customers.synthetic import synthetic_customers
from telco_churn.errors import SettingsError
from telco_churn.model.features import (
    CATEGORICAL_FEATURES,
    NUMERIC_FEATURES,
    number_col,
    total_charges_col,
)

LABEL = "label"
CSV_COLUMNS = ("customerID", *CATEGORICAL_FEATURES, *NUMERIC_FEATURES, "Churn")


def check_csv(source: Path) -> list[str]:
    """The names in the file's first line.

    Raises:
        SettingsError: the file cannot be read, or lacks one of `CSV_COLUMNS`.
    """
    try:
        # Spreadsheets begin a file with a byte order mark.
        with source.open(encoding="utf-8-sig", newline="") as lines:
            header = next(csv.reader(lines), [])
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"cannot read {source} ({error}); give a CSV file") from error
    missing = [name for name in CSV_COLUMNS if name not in header]
    if missing or len(set(header)) < len(header):
        fault = f"lacks {', '.join(missing)}" if missing else "names a column twice"
        raise SettingsError(
            f"the first line of {source} {fault}; needed are the columns of the public Telco "
            f"customer file: {', '.join(CSV_COLUMNS)}"
        )
    return header


def write_synthetic_csv(target: Path, customers: int, seed: int) -> None:
    """Writes synthetic customers in the public file's format."""
    with target.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, CSV_COLUMNS, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(islice(synthetic_customers(seed), customers))


def read_customers(spark: SparkSession, source: Path) -> DataFrame:
    """The customers of a CSV file that `check_csv` passes.

    Returns:
        customerID STRING, the model's features (`FEATURES_SCHEMA`), and `label` DOUBLE: 1 for who
        left, 0 for who stayed.

    Raises:
        SettingsError: a row lacks a feature or its label, or all customers do the same.
    """
    header = check_csv(source)
    schema = StructType([StructField(name, StringType()) for name in header])
    # A quote inside a field is doubled in CSV; Spark's default is a backslash before it.
    rows = spark.read.csv(f"file://{source.resolve()}", schema, header=True, escape='"')
    customers = rows.select(
        "customerID",
        *CATEGORICAL_FEATURES,
        *[_number_feature(name) for name in NUMERIC_FEATURES],
        F.when(F.col("Churn") == "Yes", 1.0).when(F.col("Churn") == "No", 0.0).alias(LABEL),
    )
    _check_rows(source, customers)
    return customers


def _number_feature(name: str) -> Column:
    convert = total_charges_col if name == "TotalCharges" else number_col
    return convert(F.col(name)).alias(name)


def _check_rows(source: Path, customers: DataFrame) -> None:
    gaps = [F.count_if(F.col(name).isNull()).alias(name) for name in customers.columns]
    leaving = F.coalesce(F.sum(LABEL), F.lit(0.0)).alias("leaving")
    counts = customers.select(F.count("*").alias("rows"), leaving, *gaps).first()
    assert counts is not None  # an aggregation without groups always has one row
    for name in customers.columns:
        if counts[name]:
            column = "Churn" if name == LABEL else name
            raise SettingsError(f"{source}: {counts[name]} rows have no usable value of {column}")
    if not 0 < counts["leaving"] < counts["rows"]:
        raise SettingsError(
            f"{source}: {counts['leaving']:.0f} of {counts['rows']} customers left; "
            "learning needs both who left and who stayed"
        )
