"""Rows to learn from: a CSV file with the columns of a contract, or synthetic customers."""

from __future__ import annotations

import csv
from collections.abc import Collection
from itertools import islice
from pathlib import Path

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StringType, StructField, StructType

from churn_tools.customers.synthetic import synthetic_customers
from telco_churn.contract.schema import Field
from telco_churn.errors import SettingsError
from telco_churn.model.features import number_col, or_blank
from telco_churn.model.scoring import MODEL_PREFIX
from telco_churn.paths import own_contracts
from telco_churn.record.kind import Label, RecordKind, read_kind

LABEL = f"{MODEL_PREFIX}label"


def csv_columns(kind: RecordKind, *, needs_labels: bool = True) -> tuple[str, ...]:
    """The columns that a file to learn from must have: id, features and, if needed, label.

    Raises:
        SettingsError: the contract has no label, so there is nothing to learn.
    """
    labels = [_label_of(kind).name] if needs_labels else []
    return (kind.id.name, *kind.features.names, *labels)


def check_csv(source: Path, kind: RecordKind, *, needs_labels: bool = True) -> list[str]:
    """The names in the file's first line.

    Raises:
        SettingsError: the file cannot be read, or lacks one of `csv_columns`.
    """
    columns = csv_columns(kind, needs_labels=needs_labels)
    try:
        # Spreadsheets begin a file with a byte order mark.
        with source.open(encoding="utf-8-sig", newline="") as lines:
            header = next(csv.reader(lines), [])
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"cannot read {source} ({error}); give a CSV file") from error
    missing = [name for name in columns if name not in header]
    if missing or len(set(header)) < len(header):
        fault = f"lacks {', '.join(missing)}" if missing else "names a column twice"
        raise SettingsError(
            f"the first line of {source} {fault}; needed are the fields of the contract: "
            f"{', '.join(columns)}"
        )
    return header


def write_synthetic_csv(target: Path, customers: int, seed: int) -> None:
    """Writes synthetic customers with the columns of the public Telco customer file."""
    columns = csv_columns(read_kind(own_contracts()))
    with target.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(islice(synthetic_customers(seed), customers))


def read_customers(
    spark: SparkSession, source: Path, kind: RecordKind, *, needs_labels: bool = True
) -> DataFrame:
    """The rows of a CSV file that `check_csv` passes.

    Returns:
        The id, STRING; the features of `kind`; and `_model_label` DOUBLE: 1 for yes, 0 for no, null
        where it is not known and not needed.

    Raises:
        SettingsError: a row lacks its label or a feature that the contract requires, or all rows
            have the same label.
    """
    header = check_csv(source, kind, needs_labels=needs_labels)
    features = kind.features
    fields = {field.name: field for field in kind.event.fields}
    schema = StructType([StructField(name, StringType()) for name in header])
    # A quote inside a field is doubled in CSV; Spark's default is a backslash before it.
    rows = spark.read.csv(f"file://{source.resolve()}", schema, header=True, escape='"')
    customers = rows.select(
        kind.id.name,
        *features.categories,
        *[_number(fields[name]) for name in features.numbers],
        _label_col(kind.label, header).alias(LABEL),
    )
    # A category that is missing is scored as one that was never seen; without a number no score is.
    may_lack = {name for name in features.categories if not fields[name].is_required}
    _check_features(source, customers.drop(LABEL), may_lack)
    if needs_labels:
        _check_labels(source, customers, _label_of(kind))
    return customers


def _label_col(label: Label | None, header: Collection[str]) -> Column:
    if label is None or label.name not in header:
        return F.lit(None).cast("double")
    word = F.col(label.name)
    return F.when(word == label.yes, 1.0).when(word == label.no, 0.0)


def _label_of(kind: RecordKind) -> Label:
    if kind.label is None:
        raise SettingsError(
            f"contract {kind.event.name}: no property has x-role 'label'; give it to the one that "
            "says what came true, an enum of two words, the positive one first"
        )
    return kind.label


def _number(field: Field) -> Column:
    text = F.col(field.name)
    return or_blank(field, text, number_col(text)).alias(field.name)


def _check_features(source: Path, rows: DataFrame, may_lack: Collection[str]) -> None:
    gaps = [F.count_if(F.col(name).isNull()).alias(name) for name in rows.columns]
    counts = rows.select(F.count("*").alias("_rows"), *gaps).first()
    assert counts is not None  # an aggregation without groups always has one row
    for name in rows.columns:
        if counts[name] and name not in may_lack:
            raise SettingsError(f"{source}: {counts[name]} rows have no usable value of {name}")
    if not counts["_rows"]:
        raise SettingsError(f"{source} has no rows but the first line")


def _check_labels(source: Path, rows: DataFrame, label: Label) -> None:
    missing = F.count_if(F.col(LABEL).isNull()).alias("missing")
    counts = rows.select(F.count("*").alias("rows"), missing, F.sum(LABEL).alias("yes")).first()
    assert counts is not None
    if counts["missing"]:
        raise SettingsError(
            f"{source}: {counts['missing']} rows have no usable value of {label.name}"
        )
    if not 0 < counts["yes"] < counts["rows"]:
        raise SettingsError(
            f"{source}: {counts['yes']:.0f} of {counts['rows']} rows have {label.name} "
            f"{label.yes}; learning needs both {label.yes} and {label.no}"
        )
