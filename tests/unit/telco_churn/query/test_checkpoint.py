from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from pyspark.errors import StreamingQueryException
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming.query import StreamingQuery

from stream_telemetry.checkpoint.files import CheckpointFiles
from stream_telemetry.checkpoint.identity import FILE, OLD_FILE, Identity, SourceIdentity
from telco_churn.errors import CheckpointLostError, SettingsError, SourceDataLostError
from telco_churn.query.checkpoint import Checkpoint

SOURCE = SourceIdentity("cluster", "raw", "id-1")
ANEW = SourceIdentity("cluster", "raw", "id-2")
OLD = {"cluster_id": "cluster", "topic": "raw", "topic_id": "id-1"}
QUERY = "34775913-9164-42c2-9511-d68a1dbe4f52"


@pytest.fixture
def checkpoint(spark: SparkSession, tmp_path: Path) -> Checkpoint:
    found = Checkpoint(str(tmp_path / "checkpoint"))
    found.check()
    return found


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


def test_a_new_checkpoint_says_who_it_is_and_a_later_run_adds_the_query(
    checkpoint: Checkpoint,
) -> None:
    checkpoint.check_source(SOURCE)
    checkpoint.begin(SOURCE)
    first = identity_in(checkpoint.files)
    assert (first.source, first.query) == (SOURCE, "")
    assert first.first_run
    assert first.first_run_at
    plan_batches(checkpoint.files)
    later = Checkpoint(checkpoint.files.location)
    later.check()
    later.check_source(SOURCE)
    later.begin(SOURCE)
    assert identity_in(checkpoint.files) == first.begun_by(QUERY)


def test_of_a_topic_that_was_made_anew_nothing_is_read(checkpoint: Checkpoint) -> None:
    checkpoint.begin(SOURCE)
    checkpoint.check_source(ANEW)
    plan_batches(checkpoint.files)
    with pytest.raises(SourceDataLostError, match=r"made anew \(id id-1 then, id-2 now; cluster"):
        checkpoint.check_source(ANEW)
    with pytest.raises(SourceDataLostError, match="made anew"):
        checkpoint.check_topic(ANEW)
    with pytest.raises(SourceDataLostError, match="cluster cluster, other"):
        checkpoint.check_source(SOURCE._replace(cluster_id="other"))
    with pytest.raises(SettingsError, match=r"is of topic raw, not of raw\.b; set another"):
        checkpoint.check_source(SOURCE._replace(topic="raw.b"))


def test_what_a_broker_does_not_tell_tells_nothing_apart(checkpoint: Checkpoint) -> None:
    checkpoint.begin(SourceIdentity(None, "raw", None))
    plan_batches(checkpoint.files)
    checkpoint.check_source(SOURCE)
    checkpoint.begin(SOURCE)
    assert identity_in(checkpoint.files).source == SOURCE
    checkpoint.check_source(SourceIdentity(None, "raw", None))


def test_an_identity_of_version_0_1_is_understood_and_completed(checkpoint: Checkpoint) -> None:
    plan_batches(checkpoint.files)
    checkpoint.files.write(OLD_FILE, json.dumps(OLD))
    with pytest.raises(SourceDataLostError, match="id-1 then, id-2 now"):
        checkpoint.check_source(ANEW)
    checkpoint.check_source(SOURCE)
    checkpoint.begin(SOURCE)
    found = identity_in(checkpoint.files)
    assert (found.source, found.query, bool(found.first_run)) == (SOURCE, QUERY, True)
    assert json.loads(checkpoint.files.read(OLD_FILE) or "") == OLD


def test_a_checkpoint_that_does_not_say_is_taken_at_its_word(checkpoint: Checkpoint) -> None:
    plan_batches(checkpoint.files)
    checkpoint.check_source(ANEW)
    checkpoint.begin(ANEW)
    assert identity_in(checkpoint.files).source == ANEW


def test_before_its_first_batch_a_checkpoint_is_nobody_s(checkpoint: Checkpoint) -> None:
    checkpoint.begin(SOURCE)
    checkpoint.files.write("metadata", f'{{"id":"{QUERY}"}}')
    checkpoint.check_source(ANEW)
    checkpoint.begin(ANEW)
    assert identity_in(checkpoint.files).source == ANEW


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"topic":5}', '{"topic":"x","reached":7}'])
def test_an_identity_that_cannot_be_read_is_not_passed_over(
    checkpoint: Checkpoint, text: str
) -> None:
    checkpoint.files.write(FILE, text)
    with pytest.raises(SettingsError, match=r"identity\.json is damaged .*; delete it if you know"):
        checkpoint.check_source(SOURCE)


def test_a_query_that_has_begun_is_not_begun_anew_by_the_next_run(checkpoint: Checkpoint) -> None:
    plan_batches(checkpoint.files)
    checkpoint.begin(SOURCE)
    for folder in ("offsets", "commits"):
        shutil.rmtree(directory_of(checkpoint) / folder)
    later = Checkpoint(checkpoint.files.location)
    with pytest.raises(CheckpointLostError, match=f"no longer has the batches of query {QUERY}"):
        later.check_source(SOURCE)


def test_nor_is_one_with_the_batches_of_another_query(checkpoint: Checkpoint) -> None:
    plan_batches(checkpoint.files)
    checkpoint.begin(SOURCE)
    checkpoint.files.write("metadata", '{"id":"another"}')
    with pytest.raises(CheckpointLostError, match=f"no longer has the batches of query {QUERY}"):
        checkpoint.check_source(SOURCE)


def test_a_place_that_cannot_be_written_is_one_line(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no directory")
    with pytest.raises(SettingsError, match="file/below cannot be written"):
        Checkpoint(f"{tmp_path}/file/below").check()
    with pytest.raises(SettingsError, match=r"nofs://x cannot be used .*No FileSystem for scheme"):
        Checkpoint("nofs://x")


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


def empty(directory: Path) -> None:
    shutil.rmtree(directory)
    directory.mkdir()


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
