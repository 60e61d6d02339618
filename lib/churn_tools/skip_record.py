"""Lets the query pass a record that Spark cannot read: `python -m churn_tools.skip_record RECORD`.

Such a record has a timestamp beyond Spark's own (SPARK-56243). Spark plans a batch over it, writes
the plan into the checkpoint, and fails on it at every start. This changes the plan: first it ends
before the record, so that those ahead of it are dealt with; then it begins behind it.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from stream_telemetry.batch.progress import Positions, read_positions
from stream_telemetry.options import OwnOptions, word
from telco_churn.errors import SettingsError, exit_with
from telco_churn.query.checkpoint import batches_in, check_checkpoint, locked
from telco_churn.query.settings import CheckpointSettings
from telco_churn.settings.parser import Command
from telco_churn.settings.resolve import read

_COMMIT = 'v1\n{"nextBatchWatermarkMs":0}'


class Place(NamedTuple):
    """Where a record is."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        """As the job writes it."""
        return f"{self.topic}-{self.partition}-{self.offset}"


def _place(text: str) -> Place:
    found = re.fullmatch(r"(.+)-(\d+)-(\d+)", text)
    if found is None:
        raise ValueError("is no record; write TOPIC-PARTITION-OFFSET")
    return Place(found[1], int(found[2]), int(found[3]))


@dataclass(frozen=True, kw_only=True)
class RecordSettings(OwnOptions):
    """Record."""

    record: Place = word("the record to pass", parse=_place, metavar="TOPIC-PARTITION-OFFSET")


@dataclass(frozen=True, kw_only=True)
class SkipSettings:
    """The command's settings."""

    record: RecordSettings
    checkpoint: CheckpointSettings


COMMAND = Command(
    prog="python -m churn_tools.skip_record",
    description="Lets the job pass a record that Spark cannot read (exit code 7).",
    usage="TOPIC-PARTITION-OFFSET [options]",
)


def main(arguments: Sequence[str]) -> None:
    """Changes the checkpoint, and says on standard output what is next.

    Raises:
        SettingsError: an option is malformed, a driver is on the checkpoint, or the record is not
            in the way.
    """
    settings = read(SkipSettings, COMMAND, arguments, os.environ)
    checkpoint, record = settings.checkpoint.checkpoint, settings.record.record
    if "://" in checkpoint:
        raise SettingsError(
            f"checkpoint {checkpoint} is no directory on this machine; copy it to one"
        )
    check_checkpoint(settings.checkpoint)
    with locked(settings.checkpoint):
        is_past = skip(Path(checkpoint), record)
    sys.stdout.write(
        f"{record} is skipped; start the job.\n"
        if is_past
        else f"The records before {record} come first: start the job, and when it has ended "
        "with exit code 7 again, run this once more.\n"
    )


def skip(checkpoint: Path, record: Place) -> bool:
    """Changes the batch that is planned but not done so that it does not hold `record`.

    Returns:
        Whether the query will begin behind the record; if not, it will first end before it.

    Raises:
        SettingsError: no batch is planned, or the record is not in it.
    """
    offsets, commits = checkpoint / "offsets", checkpoint / "commits"
    planned, done = batches_in(offsets), batches_in(commits)
    if not planned or planned[-1] in done:
        raise SettingsError(
            f"checkpoint {checkpoint} has no batch that was begun and not ended; nothing to skip"
        )
    file = offsets / str(planned[-1])
    start = _positions(offsets / str(done[-1])) if done else _positions(checkpoint / "sources/0/0")
    end = _positions(file)
    key = record.topic, record.partition
    begin = start.get(key, 0)
    if not begin <= record.offset < end.get(key, 0):
        raise SettingsError(
            f"record {record} is not in the way: batch {planned[-1]} reads offsets {begin} to "
            f"{end.get(key, 0)} of its partition"
        )
    if record.offset > begin:
        _write_positions(file, {**end, key: record.offset})
        return False
    _write_positions(file, {**start, key: record.offset + 1})
    _write(commits / str(planned[-1]), _COMMIT)
    return True


def _positions(log: Path) -> Positions:
    return read_positions(log.read_text(encoding="utf-8").splitlines()[-1])


def _write_positions(log: Path, positions: Positions) -> None:
    topics: dict[str, dict[str, int]] = {}
    for (topic, partition), offset in sorted(positions.items()):
        topics.setdefault(topic, {})[str(partition)] = offset
    head = log.read_text(encoding="utf-8").splitlines()[:-1]
    _write(log, "\n".join([*head, json.dumps(topics, separators=(",", ":"))]))


def _write(log: Path, text: str) -> None:
    new = log.with_name(f".{log.name}.new")
    new.write_text(text, encoding="utf-8")
    # The checksum is of the old content; Spark does without one.
    log.with_name(f".{log.name}.crc").unlink(missing_ok=True)
    new.replace(log)


if __name__ == "__main__":
    exit_with("skip_record", main, sys.argv[1:])
