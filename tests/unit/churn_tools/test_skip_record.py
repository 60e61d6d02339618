from __future__ import annotations

import json
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from churn_tools import skip_record as tool
from stream_telemetry.broker.read import RecordAddress
from stream_telemetry.checkpoint.files import CheckpointFiles
from telco_churn.errors import SettingsError

SETTINGS = '{"batchWatermarkMs":0,"conf":{}}'


def skip(checkpoint: Path, record: RecordAddress) -> bool:
    return tool.skip(CheckpointFiles(str(checkpoint)), record)


@pytest.fixture
def checkpoint(spark: SparkSession, tmp_path: Path) -> Path:
    """Batch 4 is done; batch 5 was begun: offsets 10 to 20 of partition 1, 30 to 31 of 0."""
    for log in ("offsets", "commits", "sources/0"):
        (tmp_path / log).mkdir(parents=True)
    (tmp_path / "metadata").write_text('{"id":"x"}')
    (tmp_path / "sources/0/0").write_text('\0v1\n{"a.b-c":{"0":3,"1":7}}')
    plan(tmp_path, 4, {"0": 30, "1": 10})
    plan(tmp_path, 5, {"0": 31, "1": 20})
    (tmp_path / "commits/4").write_text('v1\n{"nextBatchWatermarkMs":0}')
    return tmp_path


def plan(checkpoint: Path, batch: int, ends: dict[str, int]) -> None:
    text = f"v1\n{SETTINGS}\n{json.dumps({'a.b-c': ends})}"
    (checkpoint / "offsets" / str(batch)).write_text(text)


def planned(checkpoint: Path, batch: int) -> object:
    version, settings, offsets = (checkpoint / f"offsets/{batch}").read_text().splitlines()
    assert (version, settings) == ("v1", SETTINGS)
    return json.loads(offsets)["a.b-c"]


def test_first_the_batch_ends_before_the_record_then_the_next_one_begins_behind_it(
    checkpoint: Path,
) -> None:
    record = RecordAddress("a.b-c", 1, 14)
    assert not skip(checkpoint, record)
    assert planned(checkpoint, 5) == {"0": 31, "1": 14}
    # As the job leaves it: that batch is done, the next one begins with the record.
    (checkpoint / "commits/5").write_text('v1\n{"nextBatchWatermarkMs":0}')
    plan(checkpoint, 6, {"0": 40, "1": 50})
    assert skip(checkpoint, record)
    assert planned(checkpoint, 6) == {"0": 31, "1": 15}
    assert (checkpoint / "commits/6").read_text() == (checkpoint / "commits/5").read_text()


def test_spark_s_newer_format_stays_what_it_is(checkpoint: Path) -> None:
    for batch, end in ((4, 10), (5, 20)):
        text = f'v2\n{SETTINGS}\n0:{{"a.b-c":{{"0":30,"1":{end}}}}}'
        (checkpoint / "offsets" / str(batch)).write_text(text)
    assert skip(checkpoint, RecordAddress("a.b-c", 1, 10))
    written = (checkpoint / "offsets/5").read_text().splitlines()
    assert written == ["v2", SETTINGS, '0:{"a.b-c":{"0":30,"1":11}}']


def test_in_the_very_first_batch_the_source_says_where_it_begins(checkpoint: Path) -> None:
    for file in ("commits/4", "offsets/4"):
        (checkpoint / file).unlink()
    assert skip(checkpoint, RecordAddress("a.b-c", 1, 7))
    assert planned(checkpoint, 5) == {"0": 3, "1": 8}


@pytest.mark.parametrize("offset", [9, 20])
def test_a_record_that_is_not_in_the_way_stays(checkpoint: Path, offset: int) -> None:
    with pytest.raises(SettingsError, match="batch 5 reads offsets 10 to 20"):
        skip(checkpoint, RecordAddress("a.b-c", 1, offset))


def test_without_a_batch_that_was_begun_there_is_nothing_to_skip(checkpoint: Path) -> None:
    (checkpoint / "offsets/5").unlink()
    with pytest.raises(SettingsError, match="no batch that was begun"):
        skip(checkpoint, RecordAddress("a.b-c", 1, 14))


def test_the_command_says_what_is_next(
    checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tool.main(["a.b-c-1-14", "--checkpoint", str(checkpoint)])
    assert "start the job, and when it has ended with exit code 7" in capsys.readouterr().out
    tool.main(["a.b-c-0-30", "--checkpoint", str(checkpoint)])
    assert capsys.readouterr().out == "a.b-c-0-30 is skipped; start the job.\n"


@pytest.mark.parametrize("record", ["x", "t-1", "t-1-x"])
def test_what_is_no_record_is_refused(record: str, checkpoint: Path) -> None:
    with pytest.raises(SettingsError, match="write TOPIC-PARTITION-OFFSET"):
        tool.main([record, "--checkpoint", str(checkpoint)])
