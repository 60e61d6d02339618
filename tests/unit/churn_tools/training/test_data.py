"""The first line of a customer file, before Spark reads the rest."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from churn_tools.training.data import CSV_COLUMNS, check_csv, write_synthetic_csv
from telco_churn.errors import SettingsError


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return tmp_path / "customers.csv"


def refusal(source: Path) -> str:
    with pytest.raises(SettingsError) as error:
        check_csv(source)
    return str(error.value)


def test_the_columns_are_those_of_the_first_line_in_its_order(source: Path) -> None:
    columns = [*reversed(CSV_COLUMNS), "remark"]
    source.write_text(",".join(columns) + "\n")
    assert check_csv(source) == columns


def test_a_byte_order_mark_belongs_to_no_name(source: Path) -> None:
    source.write_text("\ufeff" + ",".join(CSV_COLUMNS), encoding="utf-8")
    assert check_csv(source)[0] == "customerID"


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
    assert check_csv(source) == list(CSV_COLUMNS)
    with source.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert len(rows) == 50
    assert {row["Churn"] for row in rows} == {"Yes", "No"}


def test_the_same_seed_writes_the_same_customers(source: Path, tmp_path: Path) -> None:
    again, other = tmp_path / "again.csv", tmp_path / "other.csv"
    for target, seed in ((source, 3), (again, 3), (other, 4)):
        write_synthetic_csv(target, 20, seed)
    assert source.read_bytes() == again.read_bytes() != other.read_bytes()
