"""Gaps, births, restarts and saw-teeth: what rules misread most easily."""

from __future__ import annotations

from pathlib import Path

import pytest
from monitoring.made.faults import of_partition
from monitoring.made.job import (
    AGE,
    HEALTHY,
    Signal,
    ages,
    healthy,
    records,
    rising,
    scraped,
    steady,
    step,
    teeth,
)
from monitoring.made.promtool import Labels, assert_fires, firing

pytestmark = pytest.mark.needs("promtool")

TARGET = {"job": "kafka_consumer", "instance": "a:8000", "environment": "prod"}
OF_JOB = {"job": "kafka_consumer", "environment": "prod"}
HOUR = 3600.0
LOST = "stream_records_lost_total"


def every(minutes: int, since: float, until: float) -> list[float]:
    return [float(at) for at in range(round(since), round(until) + 1, minutes * 60)]


def test_an_old_loss_is_not_told_again_an_hour_after_a_gap(tmp_path: Path) -> None:
    seen = scraped({**HEALTHY, **of_partition(LOST, step(600, 120))}, 180)
    gaps = seen.missed(80 * 60).unwatched(90 * 60, 100 * 60)
    assert_fires(
        tmp_path,
        gaps,
        {
            **{at: [firing("RecordsLost", **TARGET)] for at in every(10, 900, 3600)},
            **dict.fromkeys(every(2, 72 * 60, 88 * 60), ()),
            **dict.fromkeys(every(2, 102 * 60, 180 * 60), ()),
        },
    )


def test_a_loss_while_the_job_was_away_is_told_by_its_first_scrape(tmp_path: Path) -> None:
    born = scraped({**HEALTHY, **of_partition(LOST, steady(25))}, 120)
    told = [firing("RecordsLost", **TARGET)]
    assert_fires(tmp_path, born, {120: told, 50 * 60: told, 62 * 60: (), 120 * 60: ()})


def test_lines_that_were_lost_before_the_first_scrape_are_told(tmp_path: Path) -> None:
    born = scraped({**HEALTHY, "stream_log_errors_total": steady(500)}, 60)
    told = [firing("LogLinesLost", **TARGET)]
    assert_fires(tmp_path, born, {120: told, 8 * 60: told, 12 * 60: (), 60 * 60: ()})


def test_a_process_that_never_ends_a_batch_is_seen_to_restart(tmp_path: Path) -> None:
    loop = scraped({**HEALTHY, "stream_batches_total": steady(0)}, 125)
    for number in range(22):
        loop = loop.restarted(300.0 + number * 320)
    assert_fires(tmp_path, loop, {120 * 60: [firing("RestartsTooMany", **TARGET)]})


def test_one_restart_before_its_first_batch_is_nothing(tmp_path: Path) -> None:
    seen = healthy(180).restarted(90 * 60)
    assert_fires(tmp_path, seen, dict.fromkeys(every(3, 60, 180 * 60), ()))


@pytest.mark.parametrize("interval", [15, 60])
def test_a_healthy_job_raises_nothing_at_any_time(tmp_path: Path, interval: int) -> None:
    seen = healthy(60, interval=interval)
    assert_fires(tmp_path, seen, dict.fromkeys(every(1, 60, 60 * 60), ()))


@pytest.mark.parametrize(
    "period",
    [pytest.param(32, marks=pytest.mark.slow), 61, pytest.param(120, marks=pytest.mark.slow)],
)
@pytest.mark.parametrize(
    ("growth", "is_told"), [(20, True), (0, False), (-10, False)], ids=["grows", "stays", "falls"]
)
def test_lag_in_teeth_is_judged_by_its_feet(
    tmp_path: Path, period: float, growth: float, is_told: bool
) -> None:
    start = 200_000 if growth < 0 else 5_000
    lag = of_partition("kafka_consumer_lag", teeth(period, 300, growth, start))
    # A record waits for as long as it takes to deal with those before it.
    age = of_partition("stream_lag_seconds", teeth(period, 1, growth / 300, start / 300))
    seen = scraped({**HEALTHY, **lag, **age}, 150, interval=15)
    told = [firing("ConsumerLagIncreasing", **TARGET), firing("LagNotDraining", **TARGET)]
    if growth == 0:
        age = of_partition("stream_lag_seconds", teeth(period, 1, 0, 5))
        seen = scraped({**HEALTHY, **lag, **age}, 150, interval=15)
    times = every(3, 60 * 60, 150 * 60)
    assert_fires(tmp_path, seen, dict.fromkeys(times, told if is_told else ()))


def test_a_backlog_that_only_grew_once_is_not_increasing(tmp_path: Path) -> None:
    lag = of_partition("kafka_consumer_lag", step(3600, 5_000))
    assert_fires(
        tmp_path,
        scraped({**HEALTHY, **lag}, 120, interval=15),
        dict.fromkeys(every(1, 3600, 7200), ()),
    )


def test_a_backlog_that_stays_as_old_as_it_is_does_not_drain(tmp_path: Path) -> None:
    age = of_partition("stream_lag_seconds", teeth(61, 1, 0, 600))
    told = [firing("LagNotDraining", **TARGET)]
    assert_fires(tmp_path, scraped({**HEALTHY, **age}, 120, interval=15), {7200: told})


def quiet(good: int, bad: int) -> dict[str, Signal]:
    """So many records within the hour, the bad ones and the late ones first."""
    total = good + bad

    def come(seconds: float, at_most: int) -> float:
        return min(at_most, max(0.0, (seconds - HOUR) // (HOUR / total)))

    def up_to(count: int) -> Signal:
        return lambda seconds: come(seconds, count)

    signals = {name: steady(0) for name in records(0) | ages(0)}
    for name in signals:
        if "failed" in name or "validation_error" in name:
            signals[name] = up_to(bad)
        elif 'le="60.0"' in name:
            signals[name] = lambda seconds: come(seconds, total) - come(seconds, bad)
        elif "unknown" not in name:
            signals[name] = up_to(total)
    return {name: signals[name] for name in signals if "unknown" not in name}


@pytest.mark.parametrize(("good", "bad"), [(4, 2), (60, 9)])
def test_a_few_bad_and_late_records_in_a_quiet_night_wake_nobody(
    tmp_path: Path, good: int, bad: int
) -> None:
    seen = scraped({**HEALTHY, **quiet(good, bad)}, 180)
    idle = [firing("LowThroughput", **OF_JOB)]
    assert_fires(tmp_path, seen, dict.fromkeys(every(5, HOUR + 600, 3 * HOUR), idle))


def test_a_first_start_on_a_backlog_is_no_burn(tmp_path: Path) -> None:
    """A day's backlog, caught up after two hours; until then every record is late."""
    age = {
        f'stream_lag_seconds{{topic="t",partition="{partition}"}}': lambda s: max(
            2.0, 86_400 - 12 * s
        )
        for partition in "01"
    }
    in_time = {
        **ages(0.0),
        f'{AGE}_bucket{{le="60.0"}}': rising(10, 2 * HOUR),
    }
    seen = scraped({**HEALTHY, **in_time, **age}, 300)
    assert_fires(tmp_path, seen, dict.fromkeys(every(5, 60, 5 * HOUR), ()))


def gone() -> list[Labels]:
    return [firing("JobDown", job="kafka_consumer", environment="prod")]


def test_an_environment_that_vanishes_from_discovery_is_missed(tmp_path: Path) -> None:
    both = healthy(240).gone(1800) | healthy(240, environment="dev")
    assert_fires(tmp_path, both, {1740: (), 2400: gone(), 240 * 60: gone()})


def test_an_environment_that_stands_still_is_seen_beside_one_that_does_not(tmp_path: Path) -> None:
    stands = scraped({**HEALTHY, **records(0, 0.0)}, 60) | healthy(60, environment="dev")
    assert_fires(tmp_path, stands, {3000: [firing("LowThroughput", **OF_JOB)]})


def test_a_replica_that_vanishes_is_missed_for_an_hour(tmp_path: Path) -> None:
    both = healthy(240).gone(5400) | healthy(240, instance="b:8000")
    told = [firing("ReplicaGone", **TARGET)]
    assert_fires(tmp_path, both, {5400: (), 6000: told, 8700: told, 9300: (), 14_400: ()})


def test_a_replica_that_another_one_replaces_is_not_missed(tmp_path: Path) -> None:
    new = healthy(240, instance="c:8000").unwatched(0, 5400)
    seen = healthy(240).gone(5400) | healthy(240, instance="b:8000") | new
    assert_fires(tmp_path, seen, dict.fromkeys(every(5, 5460, 14_400), ()))


def test_no_job_at_all_is_one_alert(tmp_path: Path) -> None:
    other = scraped({"up": steady(1)}, 60, job="node", instance="n:9100")
    assert_fires(tmp_path, other, {0: (), 180: [firing("JobDown")], 3600: [firing("JobDown")]})


def test_a_job_that_never_answered_is_one_alert(tmp_path: Path) -> None:
    never = scraped({"up": steady(0)}, 60)
    assert_fires(tmp_path, never, {3600: [firing("JobDown", **TARGET)]})


def test_a_death_is_one_alert_whatever_the_job_is_called(tmp_path: Path) -> None:
    dead = healthy(240, job="churn-service").dead(3600)
    alert = firing("JobDown", job="churn-service", instance="a:8000", environment="prod")
    assert_fires(tmp_path, dead, {at: [alert] for at in (3720.0, 7200.0, 14400.0)})


def test_a_scheduled_run_that_is_scraped_while_it_lasts_is_not_missed(tmp_path: Path) -> None:
    batch = healthy(240).spelled('mode="streaming"', 'mode="batch"')
    assert_fires(tmp_path, batch.dead(1800, 7200).gone(7200), {7000: (), 14_400: ()})
