"""Where the producer's events come from: a CSV file, resumable, or made-up customers."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

from churn_tools.customers.broken import broken_records
from churn_tools.customers.synthetic import Clock, synthetic_customers, utc_now
from churn_tools.producer.publisher import Record
from telco_churn.errors import SettingsError

_NUMBER = re.compile(r"-?[0-9]{1,18}(?P<fraction>\.[0-9]{1,18})?")
_IDENTITY_BYTES = 65_536
_to_json = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


def synthetic_events(count: int, seed: int) -> Iterator[dict[str, object]]:
    """So many made-up customers; without end for 0."""
    return islice(synthetic_customers(seed), count or None)


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


class CustomerCsv:
    """A CSV file with the columns of the public Telco customer data set, in any order.

    Raises:
        SettingsError: the file cannot be read, or its columns are not the contract's.
    """

    def __init__(self, path: Path, contract: Mapping[str, Any], clock: Clock = utc_now) -> None:
        self._path = path
        self._clock = clock
        self._numeric = {
            name for name, rule in contract["properties"].items() if rule.get("type") != "string"
        }
        try:
            with path.open("rb") as file:
                beginning = file.read(_IDENTITY_BYTES)
                size = file.seek(0, os.SEEK_END)
            with self._open() as file:
                columns = next(csv.reader(file), [])
        except (OSError, csv.Error) as error:
            reason = getattr(error, "strerror", None) or error
            raise SettingsError(f"--csv {path} cannot be read: {reason}") from error
        self._check_columns(columns, contract)
        self.identity = {"size": size, "sha256": hashlib.sha256(beginning).hexdigest()}
        """The file's size and the SHA-256 of its first 64 KiB, to know it again by."""

    def events(self, start: int = 0) -> Iterator[dict[str, object]]:
        """The rows after the first `start` ones, as customer events.

        Numbers become numbers and `event_ts` is the time of reading, in UTC. A value that is not
        what its column holds stays as it is: the contract's check says what is wrong with it.

        Raises:
            SettingsError: from some row on, the file is not CSV.
        """
        with self._open() as file:
            reader = csv.DictReader(file, restkey="more columns than the header")
            try:
                for row in islice(reader, start, None):
                    yield self._event(row)
            except csv.Error as error:
                raise SettingsError(
                    f"--csv {self._path} is not CSV after line {reader.line_num}: {error}"
                ) from error

    def _open(self) -> Any:
        # Bytes that are not UTF-8 become lone surrogates, which the contract's check refuses.
        return self._path.open(encoding="utf-8-sig", errors="surrogateescape", newline="")

    def _check_columns(self, columns: list[str], contract: Mapping[str, Any]) -> None:
        known = [name for name in contract["properties"] if name != "event_ts"]
        missing = [name for name in known if name in contract["required"] and name not in columns]
        surplus = [name for name in columns if name not in known or columns.count(name) > 1]
        if missing or surplus:
            raise SettingsError(
                f"--csv {self._path} has a wrong header: missing {missing or 'nothing'}, unknown "
                f"or double {surplus or 'nothing'}; the first line must be {','.join(known)}"
            )

    def _event(self, row: Mapping[str, str | list[str] | None]) -> dict[str, object]:
        event = {
            name: _number_or_text(value) if name in self._numeric else value
            for name, value in row.items()
            if value is not None
        }
        now = self._clock().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return {**event, "event_ts": now}


class CsvCheckpoint:
    """Remembers in a file how many rows of a CSV are done with: acknowledged by Kafka, or refused.

    Raises:
        SettingsError: the file cannot be read or written, or belongs to another CSV.
    """

    def __init__(self, path: Path, source: CustomerCsv) -> None:
        self._path = path
        self._identity = source.identity
        self.rows = self._read()
        """Rows that need not be sent again."""

    def write(self, rows: int) -> None:
        """Moves on to `rows`; a crash leaves either the old or the new state, never a mix."""
        aside = self._path.with_name(f"{self._path.name}.new")
        try:
            with aside.open("w", encoding="utf-8") as file:
                json.dump({"file": self._identity, "rows": rows}, file)
                file.flush()
                os.fsync(file.fileno())
            aside.replace(self._path)
        except OSError as error:
            raise SettingsError(
                f"--checkpoint-file {self._path} cannot be written: {error}"
            ) from error
        self.rows = rows

    def _read(self) -> int:
        try:
            state = json.loads(self._path.read_text("utf-8"))
            identity, rows = state["file"], int(state["rows"])
        except FileNotFoundError:
            return 0
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise SettingsError(
                f"--checkpoint-file {self._path} is not a checkpoint ({error!r}): name another "
                "file, or delete it to send all rows"
            ) from error
        if identity != self._identity:
            raise SettingsError(
                f"--checkpoint-file {self._path} belongs to another CSV file: name another "
                "checkpoint file, or delete it to send all rows"
            )
        return rows


def _number_or_text(value: str | list[str]) -> object:
    number = _NUMBER.fullmatch(value) if isinstance(value, str) else None
    if number is None:
        return value
    return float(number[0]) if number["fraction"] else int(number[0])
