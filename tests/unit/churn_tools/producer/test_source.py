from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import pytest

from churn_tools.customers.synthetic import synthetic_customers
from churn_tools.producer.contract_validator import ContractValidator
from churn_tools.producer.feed import Inspector
from churn_tools.producer.source import CsvCheckpoint, CustomerCsv, synthetic_events, to_records
from telco_churn.errors import SettingsError
from telco_churn.paths import read_schema

CONTRACT = read_schema("customer_event")
COLUMNS = [name for name in CONTRACT["properties"] if name != "event_ts"]
HEADER = ",".join(COLUMNS)
ROW = (
    "7590-VHVEG,Female,0,Yes,No,1,No,No phone service,DSL,No,Yes,No,No,No,No,"
    "Month-to-month,Yes,Electronic check,29.85,29.85,No"
)
NEW_CUSTOMER = ROW.replace("7590", "0001").replace(",1,No,", ",0,No,").replace("29.85,No", " ,No")


def csv_file(directory: Path, *rows: str, header: str = HEADER) -> Path:
    path = directory / "telco.csv"
    path.write_text("\n".join([header, *rows, ""]), "utf-8")
    return path


def test_csv_row_becomes_a_valid_event_with_numbers_and_the_time_of_reading(
    tmp_path: Path,
) -> None:
    noon = datetime(2026, 1, 2, 12, 0, 0, 5_000, tzinfo=UTC)
    source = CustomerCsv(csv_file(tmp_path, ROW, NEW_CUSTOMER), CONTRACT, clock=lambda: noon)
    event, new = source.events()
    assert event["customerID"] == "7590-VHVEG"
    assert (event["SeniorCitizen"], event["tenure"]) == (0, 1)
    assert (event["MonthlyCharges"], event["TotalCharges"]) == (29.85, 29.85)
    assert event["event_ts"] == "2026-01-02T12:00:00.005Z"
    assert (new["tenure"], new["TotalCharges"]) == (0, " ")
    assert [ContractValidator(CONTRACT).violations(row) for row in (event, new)] == [[], []]


def test_csv_columns_may_stand_in_any_order_behind_a_byte_order_mark_without_the_label(
    tmp_path: Path,
) -> None:
    header = ",".join(reversed(COLUMNS[:-1]))
    row = ",".join(reversed(ROW.split(",")[:-1]))
    path = csv_file(tmp_path, row, header=f"\ufeff{header}")
    (event,) = CustomerCsv(path, CONTRACT).events()
    assert ContractValidator(CONTRACT).violations(event) == []


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (HEADER.replace("tenure", "Tenure"), "missing ['tenure'], unknown or double ['Tenure']"),
        (f"{HEADER},gender", "unknown or double ['gender', 'gender']"),
        (HEADER.replace(",", ";"), "missing ['customerID', 'gender',"),
        ("", "missing ['customerID', 'gender',"),
    ],
)
def test_wrong_header_is_one_line(tmp_path: Path, header: str, reason: str) -> None:
    with pytest.raises(SettingsError, match="wrong header") as failure:
        CustomerCsv(csv_file(tmp_path, ROW, header=header), CONTRACT)
    assert reason in str(failure.value)
    assert "\n" not in str(failure.value)


def test_missing_csv_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none\.csv cannot be read: No such file"):
        CustomerCsv(tmp_path / "none.csv", CONTRACT)


@pytest.mark.parametrize(
    ("row", "violations"),
    [
        (ROW.replace(",1,", ",one,"), [("tenure", "type")]),
        (ROW.replace(",1,", ",１,"), [("tenure", "type")]),
        (ROW.replace(",1,", ",1_0,"), [("tenure", "type")]),
        (ROW.replace(",1,", f",{'1' * 5_000},"), [("tenure", "type")]),
        (ROW.replace("29.85,29.85", "NaN,29.85"), [("MonthlyCharges", "type")]),
        (ROW.removesuffix(",29.85,No"), [("TotalCharges", "required")]),
        (f"{ROW},surplus", [("more columns than the header", "additionalProperties")]),
        (ROW.replace("Female", "F\udce9male"), [("gender", "enum")]),
    ],
)
def test_odd_row_is_read_and_left_to_the_contract(
    tmp_path: Path, row: str, violations: list[tuple[str, str]]
) -> None:
    path = tmp_path / "telco.csv"
    path.write_bytes(f"{HEADER}\n{row}\n{NEW_CUSTOMER}\n".encode("utf-8", "surrogateescape"))
    odd, good = CustomerCsv(path, CONTRACT).events()
    assert ContractValidator(CONTRACT).violations(odd) == violations
    assert ContractValidator(CONTRACT).violations(good) == []


def test_file_that_stops_being_csv_is_one_line_with_its_place(tmp_path: Path) -> None:
    path = csv_file(tmp_path, ROW, '"' + "x" * 200_000)
    events = CustomerCsv(path, CONTRACT).events()
    assert next(events)["customerID"] == "7590-VHVEG"
    with pytest.raises(SettingsError, match="is not CSV after line 2: field larger"):
        next(events)


def test_checkpoint_is_remembered_and_events_go_on_from_it(tmp_path: Path) -> None:
    source = CustomerCsv(csv_file(tmp_path, ROW, NEW_CUSTOMER), CONTRACT)
    first = CsvCheckpoint(tmp_path / "at.json", source)
    assert first.rows == 0
    first.write(1)
    again = CsvCheckpoint(tmp_path / "at.json", source)
    assert [event["customerID"] for event in source.events(again.rows)] == ["0001-VHVEG"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["at.json", "telco.csv"]


def test_checkpoint_of_another_file_is_refused(tmp_path: Path) -> None:
    path = csv_file(tmp_path, ROW)
    CsvCheckpoint(tmp_path / "at.json", CustomerCsv(path, CONTRACT)).write(1)
    for rows in ([ROW, ROW], [NEW_CUSTOMER]):
        other = CustomerCsv(csv_file(tmp_path, *rows), CONTRACT)
        with pytest.raises(SettingsError, match="belongs to another CSV"):
            CsvCheckpoint(tmp_path / "at.json", other)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"file":{},"rows":"x"}', "\udce9"])
def test_file_that_is_no_checkpoint_is_refused(tmp_path: Path, content: str) -> None:
    source = CustomerCsv(csv_file(tmp_path, ROW), CONTRACT)
    (tmp_path / "at.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(SettingsError, match="is not a checkpoint"):
        CsvCheckpoint(tmp_path / "at.json", source)


def test_records_are_compact_json_keyed_by_customer() -> None:
    events = list(synthetic_events(3, seed=4))
    records = list(to_records(events, bad_ratio=0, seed=4))
    assert [json.loads(record.value or b"") for record in records] == events
    assert [(record.key or b"").decode() for record in records] == [e["customerID"] for e in events]
    assert b", " not in (records[0].value or b"")


def test_bad_ratio_replaces_that_share_of_the_events() -> None:
    inspector = Inspector(ContractValidator(CONTRACT), "t")
    events = islice(synthetic_customers(5), 2_000)
    verdicts = [inspector.accepts(record) for record in to_records(events, 0.1, seed=5)]
    assert len(verdicts) == 2_000
    assert inspector.refused == verdicts.count(False) == pytest.approx(200, abs=50)
