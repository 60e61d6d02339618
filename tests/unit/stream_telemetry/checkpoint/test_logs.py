from __future__ import annotations

import pytest

from stream_telemetry.checkpoint.files import CheckpointFiles
from stream_telemetry.checkpoint.logs import (
    UnknownFormatError,
    batches_in,
    check_commit,
    committed_positions,
    offsets_json,
    read_plan,
)

BATCH = '{"batchWatermarkMs":0,"conf":{"a":"1"}}'
OFFSETS = '{"t":{"0":2,"1":18}}'


@pytest.mark.parametrize("start", ["v1\n" + BATCH + "\n", "v2\n" + BATCH + "\n0:", "\0v1\n"])
def test_every_format_that_spark_writes_tells_the_same_positions(start: str) -> None:
    plan = read_plan(start + OFFSETS)
    assert plan.positions == {("t", 0): 2, ("t", 1): 18}
    assert plan.text == start.lstrip("\0") + OFFSETS
    assert plan.up_to({("t", 0): 3}).text == start.lstrip("\0") + '{"t":{"0":3}}'


def test_a_source_that_has_told_nothing_yet_has_no_positions() -> None:
    assert read_plan(f"v1\n{BATCH}\n-").positions == {}
    assert read_plan(f"v2\n{BATCH}\n0:-\n1:{OFFSETS}").positions == {("t", 0): 2, ("t", 1): 18}


@pytest.mark.parametrize(
    "text", ["", "\0" * 40, "v1", f"v1\n{BATCH}\n", "v1\n{", f"{BATCH}\n{OFFSETS}", "v1\n[]\n{}"]
)
def test_a_plan_that_is_not_whole_is_no_plan(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read_plan(text)


@pytest.mark.parametrize("read", [read_plan, check_commit])
def test_a_format_of_the_future_is_unknown_not_damaged(read: object) -> None:
    assert callable(read)
    with pytest.raises(UnknownFormatError, match="it is in format 3, and 1 and 2 are known"):
        read("v3\nwhatever")


@pytest.mark.parametrize("text", ["", "v1", "v1\n", "v1\n{", "\0\0"])
def test_a_commit_that_is_not_whole_is_told(text: str) -> None:
    check_commit('v1\n{"nextBatchWatermarkMs":0}')
    check_commit('v2\n{"nextBatchWatermarkMs":0,"stateUniqueIds":{}}')
    with pytest.raises(ValueError, match=r".+"):
        check_commit(text)


def test_the_query_has_read_what_its_newest_batch_that_is_done_reached(
    files: CheckpointFiles,
) -> None:
    assert committed_positions(files) == {}
    for batch in (9, 10, 11):
        files.write(f"offsets/{batch}", f'v2\n{BATCH}\n0:{{"t":{{"0":{batch}}}}}')
        if batch < 11:
            files.write(f"commits/{batch}", 'v1\n{"nextBatchWatermarkMs":0}')
    assert batches_in(files, "offsets") == [9, 10, 11]
    assert committed_positions(files) == {("t", 0): 10}


def test_positions_are_written_as_spark_s_option_takes_them() -> None:
    assert (
        offsets_json({("t", 1): 5, ("s", 0): 2, ("t", 0): 3}) == '{"s":{"0":2},"t":{"0":3,"1":5}}'
    )
