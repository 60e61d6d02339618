from __future__ import annotations

import pytest

from stream_telemetry.checkpoint.damage import (
    DamagedCheckpointError,
    begin_another,
    check_logs,
    newest_positions,
    query_id,
)
from stream_telemetry.checkpoint.files import CheckpointFiles

QUERY = "34775913-9164-42c2-9511-d68a1dbe4f52"


@pytest.fixture
def whole(files: CheckpointFiles) -> CheckpointFiles:
    """As Spark leaves a checkpoint after two batches, the second one not done."""
    files.write("metadata", f'{{"id":"{QUERY}"}}')
    for batch in (7, 8):
        files.write(f"offsets/{batch}", f'v1\n{{"conf":{{}}}}\n{{"t":{{"0":{batch},"1":0}}}}')
    files.write("commits/7", 'v1\n{"nextBatchWatermarkMs":0}')
    return files


def test_a_whole_checkpoint_and_an_empty_one_can_be_used(
    whole: CheckpointFiles, tmp_path: object
) -> None:
    check_logs(whole)
    assert query_id(whole) == QUERY
    empty = CheckpointFiles(f"{tmp_path}/empty")
    check_logs(empty)
    assert (query_id(empty), newest_positions(empty)) == (None, {})


@pytest.mark.parametrize(
    ("damaged", "content", "said"),
    [
        ("offsets/8", "", r"offsets/8 is empty.*delete offsets/8 and commits/8, and their \.crc"),
        ("offsets/8", "v1\n{", "offsets/8 is empty or unreadable"),
        ("commits/7", "\0" * 29, "commits/7 is empty or unreadable; delete commits/7, and"),
        ("metadata", "", """metadata is missing.*--starting-offsets '{"t":{"0":7,"1":0}}'"""),
        ("metadata", "[]", "metadata is missing or unreadable"),
        ("offsets/7", "", "offsets/7 is missing or unreadable; put it back, or start with another"),
        ("offsets/8", "v9\n{}\n{}", "offsets/8 is not for this version.*in format 9, and 1 and 2"),
        ("commits/7", "v9\n{}", "commits/7 is not for this version of the job"),
    ],
)
def test_each_damage_is_named_with_its_repair(
    whole: CheckpointFiles, damaged: str, content: str, said: str
) -> None:
    whole.write(damaged, content)
    with pytest.raises(DamagedCheckpointError, match=said):
        check_logs(whole)


def test_a_file_that_was_cut_is_damaged_though_its_checksum_is_there(
    whole: CheckpointFiles,
) -> None:
    directory = whole.local()
    assert directory
    newest = directory / "offsets/8"
    newest.write_text(newest.read_text()[:-5])
    with pytest.raises(DamagedCheckpointError, match="offsets/8 is empty or unreadable"):
        check_logs(whole)


@pytest.mark.parametrize("missing", ["metadata", "offsets/7"])
def test_what_spark_needs_and_is_not_there_is_named(whole: CheckpointFiles, missing: str) -> None:
    whole.delete(missing)
    with pytest.raises(DamagedCheckpointError, match=f"{missing} is missing"):
        check_logs(whole)


def test_without_positions_another_checkpoint_begins_as_the_user_says() -> None:
    assert begin_another({}) == "start with another --checkpoint"
