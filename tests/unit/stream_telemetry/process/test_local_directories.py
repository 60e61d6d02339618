from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark import StorageLevel
from pyspark.sql import SparkSession

from stream_telemetry.process.local_directories import restore_local_directories


@pytest.fixture
def directories(spark: SparkSession) -> Iterator[list[Path]]:
    """Spark's own, as they are while it runs; they are there again afterwards."""
    restore_local_directories(spark)
    disk = spark.sparkContext._jsc.sc().env().blockManager().diskBlockManager()
    yield [Path(place) for place in disk.localDirsString()]
    restore_local_directories(spark)


def write_block(spark: SparkSession) -> int:
    """A job whose only block goes to disk."""
    frame = spark.range(10).persist(StorageLevel.DISK_ONLY)
    try:
        return frame.count()
    finally:
        frame.unpersist()


def test_a_directory_that_was_cleared_away_is_made_again_and_told(
    spark: SparkSession, directories: list[Path], caplog: pytest.LogCaptureFixture
) -> None:
    for directory in directories:
        shutil.rmtree(directory)
    with pytest.raises(Exception, match=r"NoSuchFile|FileNotFound"):
        write_block(spark)
    with caplog.at_level(logging.WARNING):
        restore_local_directories(spark)
    assert write_block(spark) == 10
    assert [line.getMessage() for line in caplog.records] == [
        f"Spark's directory {directory} was removed; it is made again" for directory in directories
    ]


def test_those_that_are_there_stay_as_they_are(
    spark: SparkSession, directories: list[Path], caplog: pytest.LogCaptureFixture
) -> None:
    kept = directories[0] / "00" / "block"
    kept.touch()
    restore_local_directories(spark)
    assert kept.exists()
    assert not caplog.records
    kept.unlink()


def test_a_part_of_one_is_made_again_too(spark: SparkSession, directories: list[Path]) -> None:
    for part in directories[0].iterdir():
        shutil.rmtree(part)
    restore_local_directories(spark)
    assert write_block(spark) == 10
