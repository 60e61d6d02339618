"""Lets the query pass a record that Spark cannot read: `python -m churn_tools.skip_record RECORD`.

Such a record has a timestamp beyond Spark's own (SPARK-56243). Spark plans a batch over it, writes
the plan into the checkpoint, and fails on it at every start. This changes the plan: first it ends
before the record, so that those ahead of it are dealt with; then it begins behind it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from stream_telemetry.broker.read import RecordAddress
from stream_telemetry.checkpoint.files import CheckpointFiles
from stream_telemetry.checkpoint.logs import (
    COMMITS,
    FIRST_OFFSETS,
    OFFSETS,
    batches_in,
    read_plan,
)
from stream_telemetry.options import OwnOptions, word
from telco_churn.errors import SettingsError, exit_with
from telco_churn.query.checkpoint import Checkpoint
from telco_churn.query.settings import CheckpointSettings
from telco_churn.settings.flags import Command
from telco_churn.settings.resolve import read

# What Spark writes for a batch of a query without a watermark.
_COMMIT = 'v1\n{"nextBatchWatermarkMs":0}'


@dataclass(frozen=True, kw_only=True)
class RecordSettings(OwnOptions):
    """Record."""

    record: RecordAddress = word(
        "the record to pass", parse=RecordAddress.parse, metavar="TOPIC-PARTITION-OFFSET"
    )


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
    record, checkpoint = settings.record.record, Checkpoint(settings.checkpoint.checkpoint)
    checkpoint.check()
    with checkpoint.locked():
        is_past = skip(checkpoint.files, record)
    sys.stdout.write(
        f"{record} is skipped; start the job.\n"
        if is_past
        else f"The records before {record} come first: start the job, and when it has ended "
        "with exit code 7 again, run this once more.\n"
    )


def skip(files: CheckpointFiles, record: RecordAddress) -> bool:
    """Changes the batch that is planned but not done so that it does not hold `record`.

    Returns:
        Whether the query will begin behind the record; if not, it will first end before it.

    Raises:
        SettingsError: no batch is planned, or the record is not in it.
    """
    planned, done = batches_in(files, OFFSETS), batches_in(files, COMMITS)
    if not planned or planned[-1] in done:
        raise SettingsError(
            f"checkpoint {files.location} has no batch that was begun and not ended; nothing to "
            "skip"
        )
    batch = planned[-1]
    first = f"{OFFSETS}/{done[-1]}" if done else FIRST_OFFSETS
    start = read_plan(files.read(first) or "").positions
    plan = read_plan(files.read(f"{OFFSETS}/{batch}") or "")
    key = record.topic, record.partition
    # Spark reads a partition that is new from its beginning.
    begin, end = start.get(key, 0), plan.positions.get(key, 0)
    if not begin <= record.offset < end:
        raise SettingsError(
            f"record {record} is not in the way: batch {batch} reads offsets {begin} to "
            f"{end} of its partition"
        )
    if record.offset > begin:
        plan = plan.up_to({**plan.positions, key: record.offset})
        files.write(f"{OFFSETS}/{batch}", plan.text)
        return False
    plan = plan.up_to({**start, key: record.offset + 1})
    # The plan before its commit: after a crash in between, the command can be run again.
    files.write(f"{OFFSETS}/{batch}", plan.text)
    files.write(f"{COMMITS}/{batch}", _COMMIT)
    return True


if __name__ == "__main__":
    exit_with("skip_record", main, sys.argv[1:])
