"""A customer file: its first line, then what Spark reads of the rest."""

from __future__ import annotations

import csv
from itertools import islice
from pathlib import Path

import pytest
from churn_kind import CHURN, CSV_COLUMNS, FEATURES_SCHEMA
from customer_csv import some_rows, write_csv
from pyspark.sql import SparkSession

from churn_tools.customers.synthetic import synthetic_customers
from churn_tools.training.data import LABEL, check_csv, read_customers, write_synthetic_csv
from telco_churn.errors import SettingsError


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return tmp_path / "customers.csv"


def refusal(source: Path) -> str:
    with pytest.raises(SettingsError) as error:
        check_csv(source, CHURN)
    return str(error.value)


def test_the_columns_are_those_of_the_first_line_in_its_order(source: Path) -> None:
    columns = [*reversed(CSV_COLUMNS), "remark"]
    source.write_text(",".join(columns) + "\n")
    assert check_csv(source, CHURN) == columns


def test_a_byte_order_mark_belongs_to_no_name(source: Path) -> None:
    source.write_text("\ufeff" + ",".join(CSV_COLUMNS), encoding="utf-8")
    assert check_csv(source, CHURN)[0] == "customerID"


@pytest.mark.parametrize("missing", ["customerID", "tenure", "Churn"])
def test_a_column_that_is_missing_is_named(source: Path, missing: str) -> None:
    source.write_text(",".join(name for name in CSV_COLUMNS if name != missing))
    assert f"the first line of {source} lacks {missing}; needed are" in refusal(source)


def test_a_column_that_comes_twice_is_refused(source: Path) -> None:
    source.write_text(",".join([*CSV_COLUMNS, "Churn"]))
    assert "names a column twice" in refusal(source)


def test_an_empty_file_lacks_everything(source: Path) -> None:
    source.touch()
    assert "lacks customerID, gender" in refusal(source)


@pytest.mark.parametrize("content", [None, b"\xff\xfec\x00u\x00"])
def test_a_file_that_cannot_be_read_is_named(source: Path, content: bytes | None) -> None:
    if content is not None:
        source.write_bytes(content)
    assert refusal(source).startswith(f"cannot read {source} (")


def test_made_up_customers_are_written_in_the_public_form(source: Path) -> None:
    write_synthetic_csv(source, 50, seed=3)
    assert check_csv(source, CHURN) == list(CSV_COLUMNS)
    with source.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert len(rows) == 50
    assert {row["Churn"] for row in rows} == {"Yes", "No"}


def test_the_same_seed_writes_the_same_customers(source: Path, tmp_path: Path) -> None:
    again, other = tmp_path / "again.csv", tmp_path / "other.csv"
    for target, seed in ((source, 3), (again, 3), (other, 4)):
        write_synthetic_csv(target, 20, seed)
    assert source.read_bytes() == again.read_bytes() != other.read_bytes()


def test_the_csv_is_read_as_features_and_label(spark: SparkSession, training_csv: Path) -> None:
    customers = read_customers(spark, training_csv, CHURN)
    assert customers.columns == ["customerID", *FEATURES_SCHEMA.fieldNames(), LABEL]
    assert [customers.schema[name].dataType for name in FEATURES_SCHEMA.fieldNames()] == [
        field.dataType for field in FEATURES_SCHEMA
    ]
    found = {row["customerID"]: row for row in customers.collect()}
    assert len(found) == 1_500
    for customer in islice(synthetic_customers(seed=4), 1_500):
        row = found[str(customer["customerID"])]
        assert row["Contract"] == customer["Contract"]
        assert row["MonthlyCharges"] == customer["MonthlyCharges"]
        assert row["TotalCharges"] == (customer["TotalCharges"] if customer["tenure"] else 0.0)
        assert row[LABEL] == (1.0 if customer["Churn"] == "Yes" else 0.0)


def test_columns_in_another_order_quotes_and_a_byte_order_mark_are_fine(
    spark: SparkSession, tmp_path: Path
) -> None:
    rows = [row[::-1] for row in some_rows()]
    path = write_csv(tmp_path / "a.csv", rows, CSV_COLUMNS[::-1])
    path.write_text("\ufeff" + path.read_text().replace("Electronic check", '"Electronic check"'))
    customers = read_customers(spark, path, CHURN)
    assert customers.count() == 20
    assert customers.where("PaymentMethod = 'Electronic check'").count() > 0


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"MonthlyCharges": "a lot"}, "20 rows have no usable value of MonthlyCharges"),
        ({"Churn": "maybe"}, "20 rows have no usable value of Churn"),
        ({"Contract": ""}, "20 rows have no usable value of Contract"),
        ({"Churn": "No"}, "0 of 20 rows have Churn Yes"),
    ],
)
def test_rows_that_nothing_can_be_learnt_from_are_refused(
    spark: SparkSession, tmp_path: Path, changes: dict[str, str], said: str
) -> None:
    path = write_csv(tmp_path / "a.csv", some_rows(changes))
    with pytest.raises(SettingsError, match=said):
        read_customers(spark, path, CHURN)


def test_a_csv_without_customers_is_refused(spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="has no rows but the first line"):
        read_customers(spark, write_csv(tmp_path / "a.csv", []), CHURN)
