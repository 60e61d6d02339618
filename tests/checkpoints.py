"""A job's checkpoint as tests make it and look into it."""

from __future__ import annotations

import shutil
from pathlib import Path

from stream_telemetry.checkpoint.files import CheckpointFiles
from stream_telemetry.checkpoint.identity import Identity, SourceIdentity
from telco_churn.query.checkpoint import Checkpoint

SOURCE = SourceIdentity("cluster", "raw", "id-1")
QUERY = "34775913-9164-42c2-9511-d68a1dbe4f52"


def plan_batches(files: CheckpointFiles, count: int = 2) -> None:
    """As Spark leaves a checkpoint after so many batches."""
    files.write("metadata", f'{{"id":"{QUERY}"}}')
    for batch in range(count):
        files.write(f"offsets/{batch}", f'v1\n{{"conf":{{}}}}\n{{"raw":{{"0":{batch + 1}}}}}')
        files.write(f"commits/{batch}", 'v1\n{"nextBatchWatermarkMs":0}')


def identity_in(files: CheckpointFiles) -> Identity:
    found = Identity.read(files)
    assert found
    return found


def directory_of(checkpoint: Checkpoint) -> Path:
    directory = checkpoint.files.local()
    assert directory
    return directory


def empty(directory: Path) -> None:
    shutil.rmtree(directory)
    directory.mkdir()
