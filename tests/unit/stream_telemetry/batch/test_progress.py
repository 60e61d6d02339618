"""Figures of a batch, from Spark's progress event."""

from __future__ import annotations

import pytest

from stream_telemetry.batch.observation import Histogram, Observation, Observed
from stream_telemetry.batch.progress import Batch, read_positions

NOTHING = Histogram((), 0.0)


def test_positions_are_read_by_topic_and_partition() -> None:
    offsets = '{"raw":{"0":31,"10":7},"other":{"0":0}}'
    assert read_positions(offsets) == {("raw", 0): 31, ("raw", 10): 7, ("other", 0): 0}


@pytest.mark.parametrize("offsets", [None, "", "{}", '{"raw":{}}'])
def test_a_source_that_has_said_nothing_has_no_positions(offsets: str | None) -> None:
    assert read_positions(offsets) == {}


@pytest.mark.parametrize("offsets", ["7", "[]", '{"raw":7}', '{"logOffset":4}', '"raw"', "{"])
def test_what_is_no_kafka_offset_is_refused(offsets: str) -> None:
    with pytest.raises(ValueError, match=r"offsets of a Kafka source|Expecting"):
        read_positions(offsets)


def test_a_batch_ends_when_its_duration_is_over() -> None:
    batch = Batch(1, 1000.0, 2.5, {}, 10, Observed(10, {}, {}, NOTHING), {})
    assert batch.ended == 1002.5


def test_all_kinds_of_dead_letters_have_failed() -> None:
    observed = Observed(7, {"validation_error": 2, "inference_error": 1}, {}, NOTHING)
    assert Batch(1, 0.0, 1.0, {}, 10, observed, {}).records_failed == 3


def test_what_is_observed_in_several_places_counts_together() -> None:
    one = Observed(7, {"refused": 2}, {"total": Histogram((7, 2), 1.5)}, Histogram((9,), 3.0))
    other = Observed(1, {"refused": 3}, {"total": Histogram((0, 4), 2.0)}, Histogram((4,), 1.0))
    both = one + other
    assert (both.records, both.succeeded, both.failed) == (13, 8, {"refused": 5})
    assert both.latencies == {"total": Histogram((7, 6), 3.5)}
    assert both.end_to_end == Histogram((13,), 4.0)


def test_a_place_that_a_batch_has_not_seen_counts_nothing() -> None:
    observation = Observation(operations={}, finished="done", places=("here", "there"))
    assert observation.read_all({"elsewhere": {"outcome": None}}).records == 0
