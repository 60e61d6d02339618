"""A query that has begun goes on where its checkpoint says, or does not go on."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from checkpoints import SOURCE, directory_of, empty, identity_in, plan_batches
from pyspark.errors import StreamingQueryException
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming.query import StreamingQuery

from stream_telemetry.checkpoint.identity import FILE
from telco_churn.errors import CheckpointLostError, SettingsError
from telco_churn.query.checkpoint import Checkpoint


class Running:
    """A real query on the checkpoint, which has done a batch."""

    def __init__(self, spark: SparkSession, checkpoint: Checkpoint) -> None:
        self._spark = spark
        self.checkpoint = checkpoint
        checkpoint.begin(SOURCE)
        self.query = checkpoint.start(self.run)

    def run(self) -> StreamingQuery:
        rows = self._spark.readStream.format("rate-micro-batch").option("rowsPerBatch", 1).load()
        query = (
            rows.select(F.col("value"))
            .writeStream.format("noop")
            .option("checkpointLocation", self.checkpoint.files.location)
            .trigger(availableNow=True)
            .start()
        )
        query.awaitTermination()
        return query


@pytest.fixture
def running(spark: SparkSession, checkpoint: Checkpoint) -> Running:
    return Running(spark, checkpoint)


def test_a_query_goes_on_with_a_checkpoint_that_is_as_it_left_it(running: Running) -> None:
    again = running.checkpoint.start(running.run)
    assert again.id == running.query.id
    assert identity_in(running.checkpoint.files).query == str(again.id)


def remove(directory: Path) -> None:
    shutil.rmtree(directory)


def replace(directory: Path) -> None:
    """Puts that of another run in its place."""
    found = json.loads((directory / FILE).read_text())
    (directory / FILE).write_text(json.dumps(found | {"first_run": "another", "topic": "x"}))
    (directory / f".{FILE}.crc").unlink()


def lose_metadata(directory: Path) -> None:
    (directory / "metadata").unlink()


def lose_batches(directory: Path) -> None:
    for file in (directory / "offsets").iterdir():
        file.unlink()


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (remove, "it is gone, or empty"),
        (empty, "it is gone, or empty"),
        (replace, "there is another one in its place, made on x at .* by run another"),
        (lose_metadata, "its metadata is gone"),
        (lose_batches, "its batches are gone"),
    ],
)
def test_a_query_that_has_begun_never_begins_anew(
    running: Running, harm: Callable[[Path], None], said: str
) -> None:
    checkpoint = running.checkpoint
    harm(directory_of(checkpoint))
    left = f"is not as query {running.query.id} left it: {said}; put it back, or start"
    with pytest.raises(CheckpointLostError, match=left):
        checkpoint.start(must_not_start)
    # And nobody who starts the job again without looking makes it begin anew either.
    if harm is not replace:
        with pytest.raises((CheckpointLostError, SettingsError), match=r"put (it|them) back"):
            check_all(Checkpoint(checkpoint.files.location))


def check_all(checkpoint: Checkpoint) -> None:
    checkpoint.check()
    checkpoint.check_source(SOURCE)


def must_not_start() -> StreamingQuery:
    raise AssertionError("it was looked at too late")


def test_if_spark_begins_anew_nevertheless_the_query_is_stopped(running: Running) -> None:
    begun: list[StreamingQuery] = []

    def begin() -> StreamingQuery:
        # After the last look, and before Spark's own.
        empty(directory_of(running.checkpoint))
        begun.append(running.run())
        return begun[0]

    with pytest.raises(CheckpointLostError, match=r"query .* was begun in it; put it back"):
        running.checkpoint.start(begin)
    assert not begun[0].isActive


def test_a_disk_that_is_away_is_left_to_spark(running: Running) -> None:
    offsets = directory_of(running.checkpoint) / "offsets"
    shutil.rmtree(offsets)
    offsets.write_text("no directory")
    with pytest.raises(StreamingQueryException, match="terminated with exception"):
        running.checkpoint.start(running.run)


def test_what_the_query_had_read_is_told_with_the_loss(checkpoint: Checkpoint) -> None:
    plan_batches(checkpoint.files)
    checkpoint.begin(SOURCE)
    lost = dataclasses.replace(identity_in(checkpoint.files), reached={("raw", 0): 2})
    empty(directory_of(checkpoint))
    lost.write(checkpoint.files)
    with pytest.raises(CheckpointLostError, match=r"--starting-offsets '{.raw.:{.0.:2}}'"):
        checkpoint.check_source(SOURCE)
