from __future__ import annotations

import math

import pytest
from made_counts import REFERENCE, made

from stream_telemetry.drift.counting import ModelCounting
from stream_telemetry.drift.windows import Window

NONE = ModelCounting(REFERENCE).none


def test_a_window_of_records_keeps_the_latest_and_no_fewer_than_asked_for() -> None:
    window = Window(NONE, 1000, math.inf)
    for moment in range(50):
        window.add(made(90), moment)
    assert 1000 <= window.at(50).records < 1000 + 90


def test_small_batches_leave_a_window_a_few_at_a_time() -> None:
    window = Window(NONE, 640, math.inf)
    for moment in range(2000):
        window.add(made(1), moment)
        assert min(moment + 1, 640) <= window.at(moment).records <= 640 + 10


def test_a_batch_that_is_larger_than_the_window_is_kept_whole_and_alone() -> None:
    window = Window(NONE, 1000, math.inf)
    window.add(made(500), 0)
    window.add(made(50_000), 1)
    assert window.at(1).records == 50_000


def test_a_window_of_time_empties_while_nothing_comes() -> None:
    window = Window(NONE, math.inf, 60)
    window.add(made(100), 0)
    window.add(made(100), 30)
    assert window.at(60).records == 200
    assert window.at(61).records == 100
    assert window.at(91).records == 0
    assert not window.at(91).sums.any()


def test_records_of_one_part_of_the_time_leave_together_and_not_too_early() -> None:
    window = Window(NONE, math.inf, 64)
    for moment in range(200):
        window.add(made(10), moment)
    assert 640 <= window.at(199).records <= 640 + 2 * 10


@pytest.mark.parametrize("size", [1, 700])
def test_what_is_left_after_long_use_is_the_sum_of_what_is_held(size: int) -> None:
    window = Window(NONE, 1000, math.inf)
    for moment in range(3000):
        window.add(made(size), moment)
    counts = window.at(3000)
    assert counts.sums[0] == pytest.approx(counts.records * 0.25, rel=1e-9)
    assert counts.cells[1] == pytest.approx(counts.records * 0.5, rel=1e-9)
