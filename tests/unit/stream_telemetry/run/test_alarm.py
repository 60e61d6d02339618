from __future__ import annotations

import threading

import pytest

from stream_telemetry.run.alarm import Alarm


def test_an_alarm_that_nobody_rang_raises_nothing() -> None:
    Alarm().check()


def test_what_another_thread_found_is_raised_where_it_is_looked_for() -> None:
    alarm = Alarm()
    thread = threading.Thread(target=lambda: alarm.ring(ValueError("topic is gone")))
    thread.start()
    thread.join()
    with pytest.raises(ValueError, match="topic is gone"):
        alarm.check()


def test_of_several_reasons_the_first_one_counts() -> None:
    alarm = Alarm()
    alarm.ring(ValueError("first"))
    alarm.ring(KeyError("second"))
    for _ in range(2):
        with pytest.raises(ValueError, match="first"):
            alarm.check()
