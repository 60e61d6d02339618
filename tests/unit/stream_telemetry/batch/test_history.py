"""Which batch a record was in, told by its place in the source."""

from __future__ import annotations

import pytest

from stream_telemetry.batch.history import BatchHistory
from stream_telemetry.broker.read import RecordAddress


@pytest.fixture
def history() -> BatchHistory:
    """Three batches; partition 1 had nothing in the second one and is new in the first."""
    made = BatchHistory()
    made.add(7, {("raw", 0): 10, ("raw", 1): 3})
    made.add(8, {("raw", 0): 12, ("raw", 1): 3})
    made.add(9, {("raw", 0): 12, ("raw", 1): 5, ("other", 0): 2})
    return made


@pytest.mark.parametrize(
    ("topic", "partition", "offset", "batch"),
    [
        ("raw", 0, 0, 7),
        ("raw", 0, 9, 7),
        ("raw", 0, 10, 8),
        ("raw", 0, 11, 8),
        ("raw", 1, 2, 7),
        ("raw", 1, 3, 9),
        ("other", 0, 1, 9),
    ],
)
def test_a_record_was_in_the_first_batch_that_went_beyond_it(
    history: BatchHistory, topic: str, partition: int, offset: int, batch: int
) -> None:
    assert history.find(RecordAddress(topic, partition, offset)) == batch


@pytest.mark.parametrize(
    ("topic", "partition", "offset"), [("raw", 0, 12), ("raw", 2, 0), ("absent", 0, 0)]
)
def test_a_record_that_no_batch_has_reached_was_in_none(
    history: BatchHistory, topic: str, partition: int, offset: int
) -> None:
    assert history.find(RecordAddress(topic, partition, offset)) is None


def test_a_history_without_batches_knows_no_record() -> None:
    assert BatchHistory().find(RecordAddress("raw", 0, 0)) is None


def test_a_record_older_than_what_is_kept_has_no_batch_rather_than_a_wrong_one() -> None:
    history = BatchHistory()
    for number in range(250):
        history.add(number, {("raw", 0): (number + 1) * 10})
    oldest = 50
    assert history.find(RecordAddress("raw", 0, oldest * 10)) == oldest
    assert history.find(RecordAddress("raw", 0, oldest * 10 - 1)) is None
    assert history.find(RecordAddress("raw", 0, 0)) is None
