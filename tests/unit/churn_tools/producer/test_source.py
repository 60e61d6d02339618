from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import pytest

from churn_tools.customers.synthetic import synthetic_customers
from churn_tools.producer.contract_validator import ContractValidator
from churn_tools.producer.feed import Inspector
from churn_tools.producer.source import CustomerCsv, Place, shifted, synthetic_events, to_records
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
        ("", "missing ['customerID', 'gender',"),
    ],
)
def test_a_csv_file_with_a_wrong_header_is_one_line(
    tmp_path: Path, header: str, reason: str
) -> None:
    with pytest.raises(SettingsError, match="wrong header") as failure:
        CustomerCsv(csv_file(tmp_path, ROW, header=header), CONTRACT)
    assert reason in str(failure.value)
    assert "\n" not in str(failure.value)


def test_a_csv_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
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


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (f'"{ROW}', "has a quote that is not closed"),
        (ROW.replace("Female", '"Female'), "has a quote that is not closed"),
        (ROW.replace("Female", '"Female"x'), """is not CSV: ',' expected after '"'"""),
        (ROW.replace(",Female", ',"Fe\nmale"'), "has a quote that is not closed"),
        ("x" * 200_000, "is not CSV: field larger than field limit"),
        ("x" * 2_000_000, "is longer than 1000000 characters"),
    ],
)
def test_line_that_is_no_csv_is_named_and_swallows_no_other(
    tmp_path: Path, line: str, said: str
) -> None:
    # The row after it ends in a quote, with which an open one could be taken for closed.
    source = CustomerCsv(csv_file(tmp_path, ROW, "", line, f'{ROW[:-2]}"No"', ROW), CONTRACT)
    events = source.events()
    assert next(events)["customerID"] == "7590-VHVEG"
    place = source.place
    with pytest.raises(SettingsError) as failure:
        next(events)
    assert f"telco.csv: line 4 {said}" in str(failure.value)
    assert (source.place.rows, place.rows) == (1, 1)
    assert source.place.bytes == place.bytes + 1, "the blank line"


@pytest.mark.parametrize(
    ("content", "look"),
    [
        (HEADER.encode("utf-16"), "UTF-16 text; save it as UTF-8"),
        (HEADER.encode("utf-16-le"), "UTF-16 text"),
        (HEADER.encode("utf-16-be"), "UTF-16 text"),
        (b"PK\x03\x04\x14\x00", "an Excel sheet or a ZIP archive"),
        (b"\x1f\x8b\x08\x00", "a gzip archive; unpack it"),
        (b"PAR1\x15", "Parquet"),
        (b'{"customerID":"7590-VHVEG"}', "JSON"),
        (HEADER.replace(",", ";").encode(), "text separated by semicolons; separate it by commas"),
        (HEADER.replace(",", "\t").encode("utf-8-sig"), "text separated by tabs"),
        (HEADER.replace(",", '"|"').join('""').encode(), "text separated by vertical bars"),
    ],
)
def test_file_of_another_kind_is_called_that(tmp_path: Path, content: bytes, look: str) -> None:
    path = tmp_path / "telco.csv"
    path.write_bytes(content)
    with pytest.raises(SettingsError, match=rf"telco\.csv has no header: it looks like {look}"):
        CustomerCsv(path, CONTRACT)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_place_goes_on_behind_it_whatever_ends_a_line(tmp_path: Path, end: str) -> None:
    path = tmp_path / "telco.csv"
    path.write_bytes(f"\ufeff{end.join([HEADER, ROW, '', NEW_CUSTOMER])}".encode())
    source = CustomerCsv(path, CONTRACT)
    events = source.events()
    next(events)
    place = source.place
    assert place.rows == 1
    assert [event["customerID"] for event in source.events(place)] == ["0001-VHVEG"]
    assert source.place.rows == 2
    assert source.place.bytes == path.stat().st_size
    assert source.place_after(1) == place
    assert source.place_after(0) == Place()


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


def test_shifted_customers_are_valid_and_nine_of_ten_have_the_word() -> None:
    events = list(shifted(synthetic_events(1000, 1), "Contract", "Two year"))
    assert 900 <= sum(event["Contract"] == "Two year" for event in events) < 960
    validator = ContractValidator(CONTRACT)
    assert not [event for event in events if validator.violations(event)]
