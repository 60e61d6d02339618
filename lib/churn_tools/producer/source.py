"""Where the producer's events come from: a CSV file, or made-up customers."""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

from churn_tools.customers.broken import broken_records
from churn_tools.customers.synthetic import Clock, synthetic_customers, utc_now
from churn_tools.producer.publisher import Record
from stream_telemetry.timestamps import iso_utc
from telco_churn.errors import SettingsError

_NUMBER = re.compile(r"-?[0-9]{1,18}(?P<fraction>\.[0-9]{1,18})?")
_LONGEST_LINE = 1_000_000
_BEGINNING_BYTES = 4_096
_SURPLUS = "more columns than the header"
_OTHER_FILES = {
    b"\xff\xfe": "UTF-16 text; save it as UTF-8",
    b"\xfe\xff": "UTF-16 text; save it as UTF-8",
    b"PK\x03\x04": "an Excel sheet or a ZIP archive; save it as CSV, or unpack it",
    b"\x1f\x8b": "a gzip archive; unpack it",
    b"PAR1": "Parquet; save it as CSV",
    b"{": "JSON; save it as CSV",
}
_OTHER_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}
_to_json = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


def synthetic_events(count: int, seed: int) -> Iterator[dict[str, object]]:
    """So many made-up customers; without end for 0."""
    return islice(synthetic_customers(seed), count or None)


def shifted(
    events: Iterable[dict[str, object]], field: str, word: str
) -> Iterator[dict[str, object]]:
    """The events, nine of ten with this word in this field."""
    for number, event in enumerate(events):
        yield event | ({field: word} if number % 10 else {})


def to_records(
    events: Iterable[Mapping[str, object]], bad_ratio: float, seed: int
) -> Iterator[Record]:
    """A record for each event, keyed by its customerID.

    A share of `bad_ratio` of the events, chosen by `seed`, is replaced by broken records.
    """
    rng = Random(seed)
    # A seed of its own: the broken records are not made from the very customers that are sent.
    broken = broken_records(seed + 1)
    for event in events:
        if rng.random() < bad_ratio:
            bad = next(broken)
            yield Record(bad.key, bad.value)
        else:
            key = str(event.get("customerID", "")).encode("utf-8", "surrogateescape")
            yield Record(key, _to_json(event).encode())


@dataclass(frozen=True)
class Place:
    """A place in a file, right behind a row.

    Attributes:
        rows: rows before it; the header is none.
        bytes: bytes before it.
        sha256: hash of those bytes, in hex, by which a file that has grown is known again.
    """

    rows: int = 0
    bytes: int = 0
    sha256: str = hashlib.sha256().hexdigest()


class CustomerCsv:
    """A CSV file with the columns of the public Telco customer data set, in any order.

    A row is a line: no field of a customer may hold a line break, so a quote that is not closed on
    its line is a mistake, and would make one customer of all that follow.

    Raises:
        SettingsError: the file cannot be read, or its columns are not the contract's.
    """

    def __init__(self, path: Path, contract: Mapping[str, Any], clock: Clock = utc_now) -> None:
        self._path = path
        self._clock = clock
        self._numeric = {
            name for name, rule in contract["properties"].items() if rule.get("type") != "string"
        }
        self._place = Place()
        self._digest = hashlib.sha256()
        known = [name for name in contract["properties"] if name != "event_ts"]
        self._refuse_other_files(known)
        self._columns = self._row(1, next(self._lines(), ""))
        self._check_columns(known, contract["required"])

    @property
    def place(self) -> Place:
        """Behind the row that `events` gave last."""
        return Place(self._place.rows, self._place.bytes, self._digest.hexdigest())

    def events(self, start: Place | None = None) -> Iterator[dict[str, object]]:
        """The rows behind `start`, or all, as customer events.

        Numbers become numbers and `event_ts` is the time of reading, in UTC. A value that is not
        what its column holds stays as it is: the contract's check says what is wrong with it. A
        last row that has grown since `start` was taken behind it comes again, whole.

        Raises:
            SettingsError: a line is not CSV; `place` is then behind the last row before it.
        """
        self._place, self._digest = Place(), hashlib.sha256()
        begin = start.bytes if start else 0
        for number, line in enumerate(self._lines(), 1):
            raw = line.encode("utf-8", "surrogateescape")
            text = raw.rstrip(b"\r\n")
            is_row = number > 1 and bool(text)
            is_new = self._place.bytes + len(text) > begin
            row = self._row(number, line) if is_row and is_new else None
            self._digest.update(raw)
            self._place = Place(self._place.rows + is_row, self._place.bytes + len(raw))
            if row is not None:
                yield self._event(row)

    def holds(self, size: int, sha256: str) -> bool:
        """Whether the file's first `size` bytes have this hash; not if it is shorter."""
        try:
            with self._path.open("rb") as file:
                beginning = file.read(size)
        except OSError as error:
            raise self._unreadable(error) from error
        return len(beginning) == size and hashlib.sha256(beginning).hexdigest() == sha256

    def place_after(self, rows: int) -> Place:
        """Behind so many rows; see `events` for what is raised."""
        for _ in islice(self.events(), rows):
            pass
        return self.place if rows else Place()

    def _lines(self) -> Iterator[str]:
        try:
            # Bytes that are not UTF-8 become lone surrogates, which the contract's check refuses.
            # Line ends stay as they are, because places in the file are counted in bytes.
            with self._path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
                number = 0
                while line := file.readline(_LONGEST_LINE):
                    number += 1
                    if len(line) == _LONGEST_LINE:
                        raise self._error(number, f"is longer than {_LONGEST_LINE} characters")
                    yield line
        except OSError as error:
            raise self._unreadable(error) from error

    def _row(self, number: int, line: str) -> list[str]:
        text = line.removeprefix("\ufeff") if number == 1 else line
        try:
            # Not strict, the reader takes a quote in the wrong place for text.
            return next(csv.reader([text], strict=True), [])
        except csv.Error as error:
            reason = str(error)
            is_open = reason == "unexpected end of data"
            said = "has a quote that is not closed" if is_open else f"is not CSV: {reason}"
            raise self._error(number, said) from error

    def _event(self, row: list[str]) -> dict[str, object]:
        # A row may be shorter than the header: those fields are missing, says the contract's check.
        event: dict[str, object] = {
            name: _number_or_text(value) if name in self._numeric else value
            for name, value in zip(self._columns, row, strict=False)
        }
        if len(row) > len(self._columns):
            event[_SURPLUS] = row[len(self._columns) :]
        return {**event, "event_ts": iso_utc(self._clock())}

    def _refuse_other_files(self, columns: Collection[str]) -> None:
        try:
            with self._path.open("rb") as file:
                beginning = file.read(_BEGINNING_BYTES)
        except OSError as error:
            raise self._unreadable(error) from error
        if look := _look_of(beginning, columns):
            raise SettingsError(f"--csv {self._path} has no header: it looks like {look}")

    def _check_columns(self, known: list[str], required: Collection[str]) -> None:
        columns = self._columns
        missing = [name for name in known if name in required and name not in columns]
        surplus = [name for name in columns if name not in known or columns.count(name) > 1]
        if missing or surplus:
            raise SettingsError(
                f"--csv {self._path} has a wrong header: missing {missing or 'nothing'}, unknown "
                f"or double {surplus or 'nothing'}; the first line must be {','.join(known)}"
            )

    def _error(self, number: int, said: str) -> SettingsError:
        return SettingsError(
            f"--csv {self._path}: line {number} {said}; mend that line, then send the rest"
        )

    def _unreadable(self, error: OSError) -> SettingsError:
        return SettingsError(f"--csv {self._path} cannot be read: {error.strerror or error}")


def _number_or_text(value: str) -> object:
    number = _NUMBER.fullmatch(value)
    if number is None:
        return value
    return float(number[0]) if number["fraction"] else int(number[0])


def _look_of(beginning: bytes, columns: Collection[str]) -> str | None:
    """What a file that begins like this is, if it is not a CSV file with such columns."""
    for start, look in _OTHER_FILES.items():
        if beginning.startswith(start):
            return look
    if b"\0" in beginning:
        # UTF-16 without its mark: every other byte of plain text is zero.
        return _OTHER_FILES[b"\xff\xfe"]
    header = beginning.partition(b"\n")[0].replace(b'"', b"").decode("utf-8", "replace")
    for separator, name in _OTHER_SEPARATORS.items():
        if len(set(header.split(separator)) & set(columns)) > 1:
            return f"text separated by {name}; separate it by commas"
    return None
