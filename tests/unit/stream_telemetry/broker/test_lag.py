"""The arithmetic of lag, losses and commits, on bounds that a broker could tell.

The integration tests ask a real one; here its answers are written down.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from typing import cast

import pytest
from confluent_kafka import KafkaError, KafkaException

from stream_telemetry.batch.progress import Positions
from stream_telemetry.broker import lag
from stream_telemetry.broker.lag import LagThread
from stream_telemetry.broker.offsets import BrokerOffsets
from stream_telemetry.broker.partitions import Bounds
from stream_telemetry.health import Health, Limits
from stream_telemetry.metrics import catalogue
from stream_telemetry.metrics.metric import Metric
from stream_telemetry.metrics.store import MetricStore

AWAY = KafkaException(KafkaError(KafkaError._ALL_BROKERS_DOWN))


class Answers:
    """What the broker says, and what it was told."""

    def __init__(self) -> None:
        self.begins: dict[int, int] = {0: 0}
        self.ends: dict[int, int] = {0: 10}
        self.made: dict[int, float] = {}
        self.is_away = False
        self.away = AWAY
        self.refuses_commits = False
        self.commits: list[dict[tuple[str, int], int]] = []
        self.asked_for_times: list[Positions] = []
        self.is_closed = False

    def bounds(self) -> Bounds:
        if self.is_away:
            raise self.away
        return Bounds(of(self.begins), of(self.ends))

    def timestamps(self, positions: Positions) -> Mapping[tuple[str, int], float]:
        self.asked_for_times.append(positions)
        return {key: self.made[key[1]] for key in positions if key[1] in self.made}

    def commit(self, positions: Positions) -> None:
        if self.refuses_commits:
            raise AWAY
        self.commits.append(dict(positions))

    def close(self) -> None:
        self.is_closed = True


def of(offsets: Mapping[int, int]) -> dict[tuple[str, int], int]:
    return {("raw", partition): offset for partition, offset in offsets.items()}


class Watched:
    """A thread at work on written answers."""

    def __init__(self) -> None:
        self.answers = Answers()
        self.store = MetricStore()
        self.health = Health(Limits(60.0, lag=30.0), has_model=False)
        self.start: Callable[[Bounds], Positions] = lambda bounds: bounds.beginnings
        self.polls = 0
        self.thread = LagThread(
            cast(BrokerOffsets, self.answers),
            self.store,
            self.health,
            resume=lambda bounds: self.start(bounds),
            commits=True,
            on_poll=self._count,
        )

    def _count(self) -> None:
        self.polls += 1

    def polled(self, times: int = 1) -> None:
        """Waits until the broker was asked so many times more."""
        wanted = self.polls + times + 1
        deadline = time.monotonic() + 20
        while self.polls < wanted:
            assert time.monotonic() < deadline, "the thread asks no more"
            time.sleep(0.005)

    def value(self, metric: Metric, partition: int = 0) -> float:
        return self.store.value(metric, "raw", str(partition))


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    monkeypatch.setattr(lag, "POLL_SECONDS", 0.01)
    made = Watched()
    yield made
    made.thread.finish(20)
    assert made.answers.is_closed


def test_lag_is_the_distance_from_the_position_to_the_end(watched: Watched) -> None:
    watched.answers.ends = {0: 10, 1: 3}
    watched.answers.begins = {0: 0, 1: 3}
    watched.start = lambda bounds: of({0: 4})
    watched.thread.start()
    watched.polled()
    assert watched.value(catalogue.LAG, 0) == 6
    assert watched.value(catalogue.LAG, 1) == 0
    watched.thread.advance(of({0: 9}))
    watched.polled()
    assert watched.value(catalogue.LAG, 0) == 1


def test_a_position_beyond_the_end_is_no_negative_lag(watched: Watched) -> None:
    watched.start = lambda bounds: of({0: 50})
    watched.thread.start()
    watched.polled()
    assert watched.value(catalogue.LAG) == 0


def test_a_partition_that_is_new_is_read_from_its_beginning(watched: Watched) -> None:
    watched.thread.start()
    watched.thread.advance(of({0: 10}))
    watched.polled()
    watched.answers.begins, watched.answers.ends = {0: 0, 1: 2}, {0: 10, 1: 5}
    watched.polled()
    assert watched.value(catalogue.LAG, 1) == 3


def test_records_that_were_deleted_unread_are_counted_once(watched: Watched) -> None:
    watched.start = lambda bounds: of({0: 2})
    watched.answers.begins = {0: 5}
    watched.thread.start()
    watched.polled(3)
    assert watched.value(catalogue.RECORDS_LOST) == 3
    watched.answers.begins = {0: 7}
    watched.polled(3)
    assert watched.value(catalogue.RECORDS_LOST) == 5


def test_records_that_were_deleted_after_they_were_read_are_not_lost(watched: Watched) -> None:
    watched.thread.advance(of({0: 8}))
    watched.answers.begins = {0: 8}
    watched.thread.start()
    watched.polled(2)
    assert watched.value(catalogue.RECORDS_LOST) == 0


def test_the_oldest_waiting_record_tells_how_far_behind_the_query_is(watched: Watched) -> None:
    watched.answers.made = {0: time.time() - 100}
    watched.health.heard("running")
    watched.thread.start()
    watched.polled()
    assert 99 < watched.value(catalogue.LAG_SECONDS) < 120
    assert watched.health.state == "lagging"
    watched.thread.advance(of({0: 10}))
    watched.polled()
    assert watched.value(catalogue.LAG_SECONDS) == 0
    assert watched.health.state == "running"


def test_a_producer_whose_clock_is_ahead_hides_no_lag(watched: Watched) -> None:
    watched.answers.made = {0: time.time() + 3600}
    watched.thread.start()
    watched.polled()
    began = time.monotonic()
    while watched.value(catalogue.LAG_SECONDS) < 0.3:
        assert time.monotonic() < began + 20, "it looks as if nothing waited"
        time.sleep(0.01)
    assert time.monotonic() - began > 0.2
    watched.thread.advance(of({0: 10}))
    watched.polled()
    assert watched.value(catalogue.LAG_SECONDS) == 0


def test_a_record_s_time_is_asked_for_once_while_it_waits(watched: Watched) -> None:
    watched.answers.made = {0: time.time()}
    watched.thread.start()
    watched.polled(5)
    assert watched.answers.asked_for_times == [of({0: 0})]


def test_a_time_that_nobody_tells_is_asked_for_again(watched: Watched) -> None:
    watched.thread.start()
    watched.polled(3)
    assert len(watched.answers.asked_for_times) >= 3


def test_a_broker_that_is_away_is_counted_shown_and_asked_again(watched: Watched) -> None:
    watched.answers.is_away = True
    watched.thread.start()
    watched.polled(2)
    assert watched.store.value(catalogue.POLL_ERRORS) >= 2
    assert watched.store.value(catalogue.BROKER_CONNECTED) == 0
    watched.answers.is_away = False
    watched.polled()
    assert watched.store.value(catalogue.BROKER_CONNECTED) == 1
    assert watched.value(catalogue.LAG) == 10


def test_progress_is_committed_when_it_has_changed(watched: Watched) -> None:
    watched.thread.start()
    watched.polled(2)
    assert watched.answers.commits == []
    watched.thread.advance(of({0: 4}))
    watched.polled(3)
    assert watched.answers.commits == [of({0: 4})]


def test_progress_is_committed_again_after_a_while_or_kafka_forgets_the_group(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lag, "RECOMMIT_SECONDS", 0.05)
    watched.thread.start()
    watched.polled(10)
    assert watched.answers.commits == []
    watched.thread.advance(of({0: 4}))
    watched.polled(20)
    assert len(watched.answers.commits) >= 2
    assert watched.answers.commits[-1] == of({0: 4})


@pytest.mark.parametrize(
    ("code", "is_said"),
    [(KafkaError.TOPIC_AUTHORIZATION_FAILED, True), (KafkaError._TIMED_OUT, False)],
)
def test_a_refusal_is_said_once_and_silence_is_left_to_others(
    watched: Watched, caplog: pytest.LogCaptureFixture, code: int, is_said: bool
) -> None:
    watched.answers.away = KafkaException(KafkaError(code))
    watched.answers.is_away = True
    watched.thread.start()
    watched.polled(3)
    lines = [r for r in caplog.records if r.levelno > logging.INFO]
    assert len(lines) == is_said
    assert all("does not tell its offsets, so lag is not known" in r.getMessage() for r in lines)


def test_a_commit_that_fails_is_counted_and_tried_again(watched: Watched) -> None:
    watched.answers.refuses_commits = True
    watched.thread.start()
    watched.thread.advance(of({0: 4}))
    watched.polled(2)
    assert watched.store.value(catalogue.COMMIT_ERRORS) >= 2
    watched.answers.refuses_commits = False
    watched.polled()
    assert watched.answers.commits[-1] == of({0: 4})


def test_the_end_commits_what_is_left(watched: Watched) -> None:
    watched.answers.is_away = True
    watched.thread.start()
    watched.thread.advance(of({0: 7}))
    watched.thread.finish(20)
    assert watched.answers.commits[-1] == of({0: 7})


def test_how_far_positions_are_behind_is_known_once_the_broker_has_told(watched: Watched) -> None:
    assert watched.thread.behind(of({0: 3})) is None
    watched.thread.start()
    watched.polled()
    assert watched.thread.behind(of({0: 3})) == 7
    assert watched.thread.behind(of({0: 30})) == 0
    assert watched.thread.behind(of({1: 0})) is None
    assert watched.thread.behind({}) == 0
