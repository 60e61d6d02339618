from __future__ import annotations

import pytest

from churn_tools.producer.pacing import Pacer


class Clock:
    """A clock that moves only when told to."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("rate", [50.0, 5_000.0])
@pytest.mark.parametrize("oversleep_seconds", [0.0, 0.0002, 0.004])
def test_pacer_keeps_the_rate_within_two_percent(rate: float, oversleep_seconds: float) -> None:
    clock = Clock()
    pacer = Pacer(rate, clock)
    for _ in range(int(rate) * 10):
        if delay := pacer.delay_seconds():
            clock.now += delay + oversleep_seconds
        clock.now += 0.00002
        pacer.count_event()
    assert clock.now - 1_000.0 == pytest.approx(10, rel=0.02)


def test_pacer_spreads_events_evenly() -> None:
    clock = Clock()
    pacer = Pacer(50, clock)
    sent_at = []
    for _ in range(5):
        clock.now += pacer.delay_seconds()
        sent_at.append(clock.now - 1_000.0)
        pacer.count_event()
    assert sent_at == pytest.approx([0, 0.02, 0.04, 0.06, 0.08])


def test_pacer_catches_up_a_second_after_a_pause_and_forgives_the_rest() -> None:
    clock = Clock()
    pacer = Pacer(100, clock)
    clock.now += 60
    caught_up = 0
    while pacer.delay_seconds() == 0:
        pacer.count_event()
        caught_up += 1
    assert caught_up in (100, 101)


def test_pacer_without_a_rate_never_waits() -> None:
    pacer = Pacer(0, Clock())
    for _ in range(1_000):
        pacer.count_event()
    assert pacer.delay_seconds() == 0
