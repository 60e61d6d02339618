from __future__ import annotations

import pytest

from stream_telemetry.health import Health, Limits, limits_for


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def health(clock: Clock) -> Health:
    return Health(Limits(stall=60, lag=30, live=600), has_model=True, clock=clock)


@pytest.fixture
def running(health: Health) -> Health:
    health.set_model(is_loaded=True)
    health.set_broker(is_connected=True)
    health.heard("running")
    return health


def test_a_job_that_starts_is_not_ill_but_not_ready(health: Health) -> None:
    assert health.state == "starting"
    assert health.checks == {
        "broker_connection": "not_initialized",
        "model_loaded": "not_initialized",
        "query_progress": "not_initialized",
    }
    assert (health.is_healthy, health.is_ready, health.is_live) == (True, False, True)


def test_a_start_that_never_ends_is_a_stall(health: Health, clock: Clock) -> None:
    clock.now += 61
    assert health.state == "stalled"
    assert health.checks["query_progress"] == "fail"


def test_running_and_idle_are_healthy_and_ready(running: Health) -> None:
    assert set(running.checks.values()) == {"pass"}
    assert (running.state, running.is_healthy, running.is_ready) == ("running", True, True)
    running.heard("idle")
    assert (running.state, running.is_healthy, running.is_ready) == ("idle", True, True)


def test_a_hung_batch_fails_and_any_event_mends_it(running: Health, clock: Clock) -> None:
    clock.now += 60
    assert running.is_healthy
    clock.now += 1
    assert (running.state, running.is_healthy) == ("stalled", False)
    assert running.checks["query_progress"] == "fail"
    assert running.is_live
    running.heard("running")
    assert running.is_healthy


def test_a_restart_is_asked_for_only_when_it_could_help(running: Health, clock: Clock) -> None:
    clock.now += 601
    assert not running.is_live
    running.set_broker(is_connected=False)
    assert running.is_live


def test_an_absent_broker_is_unhealthy_by_its_own_check(running: Health) -> None:
    running.set_broker(is_connected=False)
    assert not running.is_healthy
    assert running.checks["broker_connection"] == "fail"
    assert running.checks["query_progress"] == "pass"


def test_a_query_that_lags_is_healthy_but_not_ready(running: Health) -> None:
    running.set_lag(31)
    assert (running.state, running.is_healthy, running.is_ready) == ("lagging", True, False)
    running.set_lag(29)
    assert running.state == "running"


def test_a_failed_query_stays_failed_however_long_it_is_silent(
    running: Health, clock: Clock
) -> None:
    running.heard("failed")
    running.stopping()
    clock.now += 1000
    assert (running.state, running.is_healthy, running.is_live) == ("failed", False, False)


def test_a_query_that_is_asked_to_stop_is_not_ready(running: Health) -> None:
    running.stopping()
    assert (running.state, running.is_healthy, running.is_ready) == ("stopping", True, False)


def test_a_query_without_a_model_is_not_asked_for_one(clock: Clock) -> None:
    assert "model_loaded" not in Health(Limits(60), has_model=False, clock=clock).checks


@pytest.mark.parametrize(
    ("trigger", "is_realtime", "stall"),
    [(5, False, 60), (60, False, 180), (0, False, 60), (60, True, 150), (5, True, 40)],
)
def test_silence_is_measured_against_the_trigger(
    trigger: float, is_realtime: bool, stall: float
) -> None:
    assert limits_for(trigger, is_realtime=is_realtime).stall == stall


def test_a_query_that_is_about_to_be_started_again_is_ill_but_needs_no_other_process(
    running: Health, clock: Clock
) -> None:
    running.heard("restarting")
    running.set_lag(1e6)
    assert (running.state, running.is_healthy, running.is_ready) == ("restarting", False, False)
    assert running.checks["query_progress"] == "fail"
    assert running.is_live
    running.heard("running")
    running.set_lag(0)
    assert running.is_ready


def test_a_long_batch_whose_records_go_out_is_slow_but_well(running: Health, clock: Clock) -> None:
    clock.now += 61
    running.sink_heard()
    assert (running.state, running.is_healthy, running.is_ready) == ("slow_sink", True, False)
    clock.now += 60
    assert running.state == "slow_sink"
    clock.now += 1
    assert (running.state, running.is_healthy) == ("stalled", False)
    running.sink_heard()
    running.set_broker(is_connected=False)
    assert running.state == "stalled"


def test_a_sink_that_takes_anything_at_all_needs_no_restart(running: Health, clock: Clock) -> None:
    clock.now += 500
    running.sink_heard()
    clock.now += 600
    assert (running.state, running.is_live) == ("stalled", True)
    clock.now += 1
    assert not running.is_live
