from __future__ import annotations

from dataclasses import dataclass, field

from stream_telemetry.batch.sightings import Sightings

ONE = ("raw", 0)


@dataclass
class Watched:
    """A partition that is looked at each second."""

    now: float = 50.0
    sightings: Sightings = field(init=False)

    def __post_init__(self) -> None:
        self.sightings = Sightings(lambda: self.now)

    def look(self, end: int, position: int, seconds: float = 1.0) -> float:
        self.now += seconds
        self.sightings.note({ONE: end}, {ONE: position})
        return self.sightings.waited(ONE)


def test_a_record_has_waited_since_the_end_was_seen_beyond_it() -> None:
    watched = Watched()
    assert [watched.look(10, 4) for _ in range(3)] == [0, 1, 2]


def test_a_record_that_came_later_has_waited_for_less() -> None:
    watched = Watched()
    watched.look(10, 4)
    watched.look(20, 4)
    watched.look(30, 4)
    assert watched.look(30, 10) == 2
    assert watched.look(30, 19) == 3
    assert watched.look(30, 20) == 3


def test_nothing_waits_where_all_is_read_and_what_comes_then_is_new() -> None:
    watched = Watched()
    watched.look(10, 4)
    assert watched.look(10, 10) == 0
    assert watched.look(11, 10) == 0
    assert watched.look(11, 10) == 1


def test_a_topic_that_was_made_anew_has_new_records() -> None:
    watched = Watched()
    watched.look(1000, 500)
    assert watched.look(3, 0) == 0
    assert watched.look(4, 0) == 1


def test_a_long_lag_takes_no_more_memory_and_is_still_known_from_its_first_record() -> None:
    watched = Watched()
    for second in range(10_000):
        watched.look(second + 1, 0)
    assert watched.sightings.waited(ONE) == 9_999
    assert len(watched.sightings._seen[ONE]) <= 1000
    waited = watched.look(10_001, 5_000)
    # The truth is 5,000; it never says more.
    assert 4_900 < waited <= 5_001


def test_a_partition_that_nobody_spoke_of_has_nothing_that_waits() -> None:
    assert Sightings().waited(ONE) == 0
