"""The last batch of a real query: whatever it has written is committed, and no other one writes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pyspark.errors import StreamingQueryException
from pyspark.sql import Row, SparkSession
from pyspark.sql.streaming.query import StreamingQuery
from waiting import eventually

from stream_telemetry.process.last_batch import LastBatch, is_running

ROWS = 2
ROW_SECONDS = 0.15
LONG_SECONDS = 60.0


@pytest.fixture
def start(spark: SparkSession, tmp_path: Path) -> Iterator[Callable[[str], StreamingQuery]]:
    """Starts a query whose batches write row by row, as Kafka's sink does, and take their time."""
    started: list[StreamingQuery] = []
    written = tmp_path / "written"

    def write(row: Row) -> None:
        with written.open("a") as file:
            file.write(f"{row.value}\n")
        time.sleep(ROW_SECONDS)

    def begin(trigger: str) -> StreamingQuery:
        source = spark.readStream.format("rate-micro-batch")
        rows = source.options(rowsPerBatch=ROWS, numPartitions=1).load()
        writer = rows.writeStream.foreach(write).trigger(processingTime=trigger)
        query = writer.option("checkpointLocation", str(tmp_path / "checkpoint")).start()
        started.append(query)
        return query

    written.touch()
    yield begin
    for query in started:
        query.stop()


def committed(directory: Path) -> int:
    """How many batches are."""
    return len(list((directory / "checkpoint" / "commits").glob("[0-9]*")))


@pytest.mark.parametrize("turn", range(4))
def test_what_is_written_is_committed_whenever_the_last_batch_is_asked_for(
    start: Callable[[str], StreamingQuery], tmp_path: Path, turn: int
) -> None:
    query = start("1 millisecond")
    assert eventually(lambda: committed(tmp_path) > 0, LONG_SECONDS)
    time.sleep(turn * ROW_SECONDS * 0.75)
    last = LastBatch(query)
    assert eventually(last.has_ended, LONG_SECONDS)
    query.stop()
    query.awaitTermination()
    assert (is_running(query), query.exception()) == (False, None)
    # A job that runs on behind its query would be writing still.
    time.sleep(ROWS * ROW_SECONDS)
    rows = (tmp_path / "written").read_text().split()
    assert len(rows) == len(set(rows)) == ROWS * committed(tmp_path)


def test_a_query_that_waits_for_its_trigger_is_at_its_end(
    start: Callable[[str], StreamingQuery], tmp_path: Path
) -> None:
    query = start("1 hour")
    assert eventually(
        lambda: committed(tmp_path) == 1 and not query.status["isTriggerActive"], LONG_SECONDS
    )
    last = LastBatch(query)
    assert eventually(last.has_ended, LONG_SECONDS)
    assert is_running(query)
    query.stop()
    assert not is_running(query)


def test_a_query_that_fails_in_its_last_batch_tells_so(spark: SparkSession, tmp_path: Path) -> None:
    begun = tmp_path / "begun"

    def fail(row: Row) -> None:
        begun.touch()
        time.sleep(1.0)
        raise ValueError("boom")

    source = spark.readStream.format("rate-micro-batch").options(rowsPerBatch=1, numPartitions=1)
    writer = source.load().writeStream.foreach(fail)
    query = writer.option("checkpointLocation", str(tmp_path / "checkpoint")).start()
    assert eventually(begun.exists, LONG_SECONDS)
    last = LastBatch(query)
    assert not last.has_ended()
    with pytest.raises(StreamingQueryException, match="boom"):
        query.awaitTermination()
