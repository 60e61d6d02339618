"""What is remembered of the last minutes, by a clock that the test sets."""

from __future__ import annotations

import logging

import pytest
from made_batches import made_batch

from stream_telemetry.live.recent import KEPT_BATCHES, KEPT_LAGS, KEPT_REFUSED, Recent, Trend
from stream_telemetry.logs.backlog import RecordLine


class Past:
    def __init__(self) -> None:
        self.now = 1000.0
        self.recent = Recent(lambda: self.now)

    def lag(self, *records: float, every: float = 3.0) -> None:
        for number in records:
            self.now += every
            self.recent.add_lag(number, 1.0)


@pytest.fixture
def past() -> Past:
    return Past()


def test_batches_are_told_by_when_they_ended(past: Past) -> None:
    past.recent.add(made_batch(1))
    past.now += 50
    past.recent.add(made_batch(2))
    past.now += 20
    assert [batch.number for _, batch in past.recent.batches(60)] == [2]
    assert [batch.number for _, batch in past.recent.batches()] == [1, 2]


def test_memory_is_bounded_whatever_comes(past: Past) -> None:
    for number in range(1000):
        past.recent.add(made_batch(number, good=1))
        past.recent.add_lag(number, 0.0)
        past.recent.refuse(RecordLine("failed", logging.WARNING, str(number)))
    assert len(past.recent.batches()) == KEPT_BATCHES
    assert len(past.recent.lags()) == KEPT_LAGS
    assert len(past.recent.refused()) == KEPT_REFUSED
    assert all(not batch.positions for _, batch in past.recent.batches())


def test_refused_records_come_newest_first(past: Past) -> None:
    for text in ("a", "b"):
        past.recent.refuse(RecordLine("failed", logging.WARNING, text))
    assert [line.message for _, line in past.recent.refused()] == ["b", "a"]


def test_the_trend_compares_the_lows_of_two_stretches(past: Past) -> None:
    # A batch every 15 s takes 500 away from what grows by 60 in 3 s.
    saw_teeth = [1000 - 200 * (n // 5) + 60 * (n % 5) for n in range(20)]
    past.lag(*saw_teeth)
    trend = past.recent.trend(30)
    assert trend == Trend(low=400, before=800, seconds=30)
    assert trend.per_second == pytest.approx(400 / 30)


def test_a_saw_tooth_that_only_grows_does_not_fall(past: Past) -> None:
    past.lag(*[1000 + 100 * (n // 5) - 60 * (n % 5) for n in range(20)])
    trend = past.recent.trend(30)
    assert trend is not None
    assert trend.per_second is not None
    assert trend.per_second < 0


def test_a_past_that_was_not_watched_says_nothing_of_a_trend(past: Past) -> None:
    assert past.recent.trend(30) is None
    past.lag(500, 400)
    assert past.recent.trend(30) == Trend(low=400, before=None, seconds=30)
    past.now += 300
    assert past.recent.trend(30) is None
    past.lag(900)
    assert past.recent.trend(30) == Trend(low=900, before=None, seconds=30)
