from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from churn_tools.producer.csv_checkpoint import CsvCheckpoint
from churn_tools.producer.source import CustomerCsv
from telco_churn.errors import SettingsError
from telco_churn.paths import read_schema

CONTRACT = read_schema("customer_event")
HEADER = ",".join(name for name in CONTRACT["properties"] if name != "event_ts")
ROWS = [
    f"{number:04}-VHVEG,Female,0,Yes,No,1,No,No phone service,DSL,No,Yes,No,No,No,No,"
    "Month-to-month,Yes,Electronic check,29.85,29.85,No"
    for number in range(6)
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "telco.csv"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "at.json"


def write(path: Path, *rows: str, end: str = "\n") -> CustomerCsv:
    path.write_text("\n".join([HEADER, *rows]) + end)
    return CustomerCsv(path, CONTRACT)


def send(source: CustomerCsv, state: Path, count: int | None = None) -> list[str]:
    """Sends so many rows, or all; the first two letters of each id."""
    checkpoint = CsvCheckpoint(state, source)
    sent = []
    for event in source.events(checkpoint.place):
        sent.append(str(event["customerID"])[:4])
        checkpoint.write(source.place)
        if len(sent) == count:
            break
    return sent


def test_rows_go_on_where_they_stopped(path: Path, state: Path) -> None:
    source = write(path, *ROWS[:3])
    assert send(source, state, 1) == ["0000"]
    assert send(source, state) == ["0001", "0002"]
    assert send(source, state) == []
    assert sorted(found.name for found in path.parent.iterdir()) == ["at.json", "telco.csv"]


@pytest.mark.parametrize(("before", "after"), [("\n", "\n"), ("", "\n"), ("", ""), ("\n", "")])
def test_a_file_that_has_grown_goes_on_behind_what_was_sent(
    path: Path, state: Path, before: str, after: str
) -> None:
    send(write(path, *ROWS[:2], end=before), state)
    assert send(write(path, *ROWS[:5], end=after), state) == ["0002", "0003", "0004"]


def test_a_last_row_that_was_cut_off_comes_again_when_it_is_whole(path: Path, state: Path) -> None:
    assert send(write(path, ROWS[0], ROWS[1][:9], end=""), state) == ["0000", "0001"]
    assert send(write(path, *ROWS[:3]), state) == ["0001", "0002"]


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: rows[:1],
        lambda rows: [rows[0].replace("29.85", "30.85"), *rows[1:]],
        lambda rows: rows[::-1],
        lambda rows: rows[1:],
    ],
)
def test_another_file_or_one_with_other_rows_before_the_place_is_refused(
    path: Path, state: Path, change: Callable[[list[str]], list[str]]
) -> None:
    send(write(path, *ROWS[:3]), state, 2)
    with pytest.raises(SettingsError, match="belongs to another CSV file, or to other rows"):
        CsvCheckpoint(state, write(path, *change(ROWS[:3])))


def test_what_changes_behind_the_place_is_sent_as_it_is_now(path: Path, state: Path) -> None:
    send(write(path, ROWS[0], '"' + ROWS[1]), state, 1)
    assert send(write(path, *ROWS[:2]), state) == ["0001"]


def old_state(path: Path, rows: int) -> str:
    """As version 0.1 wrote it."""
    beginning = path.read_bytes()[:65_536]
    identity = {"size": path.stat().st_size, "sha256": hashlib.sha256(beginning).hexdigest()}
    return json.dumps({"file": identity, "rows": rows})


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_a_checkpoint_of_the_old_form_is_read(path: Path, state: Path, rows: int) -> None:
    write(path, *ROWS[:2])
    state.write_text(old_state(path, rows))
    sent = send(write(path, *ROWS[:2]), state)
    assert sent == ["0000", "0001"][rows:]


def test_a_checkpoint_of_the_old_form_knows_its_file_when_that_has_grown(
    path: Path, state: Path
) -> None:
    write(path, *ROWS[:2])
    state.write_text(old_state(path, 2))
    assert send(write(path, *ROWS[:3]), state) == ["0002"]
    state.write_text(old_state(path, 2))
    with pytest.raises(SettingsError, match="belongs to another CSV file"):
        CsvCheckpoint(state, write(path, *ROWS[1:5]))


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"file":{},"rows":"x"}', '{"rows":1,"bytes":"x"}', "\udce9", "5"]
)
def test_a_file_that_is_no_checkpoint_is_refused(path: Path, state: Path, content: str) -> None:
    state.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(SettingsError, match="is not a checkpoint"):
        CsvCheckpoint(state, write(path, *ROWS[:1]))


def test_a_checkpoint_that_cannot_be_replaced_is_written_in_place(path: Path, state: Path) -> None:
    """A mount point cannot be renamed over; a file mounted on itself is one."""
    source = write(path, *ROWS[:4])
    send(source, state, 3)
    script = (
        "import sys; from pathlib import Path\n"
        "from churn_tools.producer.csv_checkpoint import CsvCheckpoint\n"
        "from churn_tools.producer.source import CustomerCsv\n"
        "from telco_churn.paths import read_schema\n"
        "source = CustomerCsv(Path(sys.argv[1]), read_schema('customer_event'))\n"
        "checkpoint = CsvCheckpoint(Path(sys.argv[2]), source)\n"
        "list(source.events(checkpoint.place)); checkpoint.write(source.place)\n"
    )
    mount = ("sh", "-c", 'mount --bind "$3" "$3" && exec "$0" -c "$1" "$2" "$3"')
    subprocess.run(
        ["unshare", "--map-root-user", "--mount", *mount, sys.executable, script, path, state],
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert send(source, state) == []
    assert sorted(found.name for found in path.parent.iterdir()) == ["at.json", "telco.csv"]


def test_a_checkpoint_that_cannot_be_written_is_one_line(path: Path, tmp_path: Path) -> None:
    checkpoint = CsvCheckpoint(tmp_path / "none" / "at.json", write(path, *ROWS[:1]))
    with pytest.raises(SettingsError, match=r"cannot be written: .*No such file"):
        checkpoint.write(checkpoint.place)
