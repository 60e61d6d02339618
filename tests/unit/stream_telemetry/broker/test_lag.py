"""The arithmetic of lag and losses, on bounds that a broker could tell.

The integration tests ask a real one; here its answers are written down.
"""

from __future__ import annotations

import logging
import time

import pytest
from confluent_kafka import KafkaError, KafkaException
from written_answers import Watched, of

from stream_telemetry.metrics import catalogue


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


def test_how_far_positions_are_behind_is_known_once_the_broker_has_told(watched: Watched) -> None:
    assert watched.thread.behind(of({0: 3})) is None
    watched.thread.start()
    watched.polled()
    assert watched.thread.behind(of({0: 3})) == 7
    assert watched.thread.behind(of({0: 30})) == 0
    assert watched.thread.behind(of({1: 0})) is None
    assert watched.thread.behind({}) == 0
