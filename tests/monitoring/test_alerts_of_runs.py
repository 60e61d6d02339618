"""What is pushed by runs: failed, overdue, silent, and told apart."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from monitoring.made.job import STALE, Scraped, Signal, Value, healthy, scraped, steady, step
from monitoring.made.promtool import assert_fires, check, firing
from monitoring.rule_files import alerts

pytestmark = pytest.mark.needs("promtool")

HOUR = 3600.0
NIGHT = 4 * HOUR
"""From one run to the next; a short night, for a short test."""
RUN = {"job": "churn", "instance": "group", "environment": "prod"}


def nightly(
    ends: Mapping[float, int | None],
    minutes: int,
    environment: str = "prod",
    interval: float = NIGHT,
) -> Scraped:
    """What the Pushgateway shows of a run each night.

    Args:
        ends: when runs start, and their exit code ten minutes later; None: killed after five.
        minutes: watched for.
        environment: a label of its group.
        interval: expected between successes, in seconds.
    """
    runs = dict(sorted(ends.items()))

    def of(second: float) -> tuple[float, int | None, bool]:
        start = max(at for at in runs if at <= second)
        return start, runs[start], second >= start + 600

    def success(second: float) -> float | None:
        done = [at + 600 for at, code in runs.items() if code == 0 and at + 600 <= second]
        return max(done, default=None)

    def pushed(second: float) -> float:
        start, code, _ = of(second)
        return min(second, start + (300 if code is None else 600))

    def ended(second: float) -> float:
        start, code, is_over = of(second)
        return start + 600 if is_over and code is not None else 0.0

    def succeeded(second: float) -> float:
        _, code, is_over = of(second)
        return float(is_over and code == 0)

    signals: dict[str, Signal] = {
        "push_time_seconds": pushed,
        "stream_run_started_timestamp_seconds": lambda second: of(second)[0],
        "stream_run_end_timestamp_seconds": ended,
        "stream_run_succeeded": succeeded,
        "stream_run_last_success_timestamp_seconds": success,
        "stream_run_expected_interval_seconds": steady(interval),
    }
    times = range(0, minutes * 60 + 1, 600)
    labels = f'job="churn",instance="group",environment="{environment}"'
    samples: dict[str, list[Value]] = {
        f"{name}{{{labels}}}": [signal(float(at)) for at in times]
        for name, signal in signals.items()
    }
    return Scraped(600, samples)


def nights(number: int) -> int:
    return number * 240


def often(made: Scraped) -> Scraped:
    """Each sample for ten minutes, so that nothing is stale between them."""
    return Scraped(
        60, {k: [v for v in values for _ in range(10)] for k, values in made.samples.items()}
    )


def test_a_run_each_night_is_well(tmp_path: Path) -> None:
    well = often(nightly({0: 0, NIGHT: 0, 2 * NIGHT: 0}, nights(3)))
    assert_fires(tmp_path, well, dict.fromkeys([60.0, NIGHT, NIGHT + 300, 2.9 * NIGHT], ()))


def test_a_night_that_fails_is_told_and_its_success_remembered(tmp_path: Path) -> None:
    failed = often(nightly({0: 0, NIGHT: 4}, nights(3)))
    told, overdue = firing("RunFailed", **RUN), firing("RunOverdue", **RUN)
    assert_fires(
        tmp_path,
        failed,
        {NIGHT + 300: (), NIGHT + 700: [told], 1.2 * NIGHT: [told], 1.3 * NIGHT: [told, overdue]},
    )


def test_a_night_that_does_not_happen_is_told(tmp_path: Path) -> None:
    overdue = [firing("RunOverdue", **RUN)]
    forgotten = often(nightly({0: 0}, nights(4)))
    assert_fires(tmp_path, forgotten, {1.2 * NIGHT: (), 1.3 * NIGHT: overdue, 4 * NIGHT: overdue})


def test_without_an_expected_interval_nothing_is_overdue(tmp_path: Path) -> None:
    assert_fires(tmp_path, often(nightly({0: 0}, nights(4), interval=0)), {4 * NIGHT: ()})


def test_a_gateway_that_forgets_does_not_end_the_alert(tmp_path: Path) -> None:
    seen = often(nightly({0: 0}, nights(4)))
    emptied = {
        name: [*values[: nights(1)], STALE, *[None] * (len(values) - nights(1) - 1)]
        for name, values in seen.samples.items()
    }
    overdue = [firing("RunOverdue", **RUN)]
    assert_fires(
        tmp_path, Scraped(60, emptied), {1.2 * NIGHT: (), 1.5 * NIGHT: overdue, 3 * NIGHT: overdue}
    )


def test_a_first_run_that_is_killed_is_silent_then_overdue(tmp_path: Path) -> None:
    killed = often(nightly({0: None}, nights(2)))
    stale, overdue = firing("StalePush", **RUN), firing("RunOverdue", **RUN)
    assert_fires(tmp_path, killed, {900: (), 2400: [stale], 1.3 * NIGHT: [stale, overdue]})


def test_environments_of_one_gateway_are_kept_apart(tmp_path: Path) -> None:
    prod, dev = nightly({0: 4}, nights(1)), nightly({0: 0}, nights(1), environment="dev")
    both = often(prod | dev)
    assert_fires(tmp_path, both, {0.9 * NIGHT: [firing("RunFailed", **RUN)]})


def test_with_scheduled_runs_alone_nobody_misses_a_stream(tmp_path: Path) -> None:
    assert_fires(tmp_path, often(nightly({0: 0}, nights(1))), {0.9 * NIGHT: ()})


def test_an_idle_stream_elsewhere_does_not_hide_a_silent_run(tmp_path: Path) -> None:
    killed = often(nightly({0: None}, 240))
    dev = healthy(240, environment="dev")
    assert_fires(tmp_path, killed | dev, {2400: [firing("StalePush", **RUN)]})


def test_they_say_what_they_saw(tmp_path: Path) -> None:
    for name, ends, at, value in (
        ("StalePush", {0.0: None}, HOUR, "55m 0s"),
        ("RunFailed", {0.0: 4}, HOUR, "50m 0s"),
        ("RunOverdue", {0.0: 0}, 1.5 * NIGHT, "5h 50m 0s"),
    ):
        rule = alerts()[name]
        said = {
            key: text.replace("{{ $labels.instance }}", "group").replace(
                "{{ $value | humanizeDuration }}", value
            )
            for key, text in rule["annotations"].items()
        }
        expected = {"exp_labels": {**rule["labels"], **RUN}, "exp_annotations": said}
        case = {"alertname": name, "eval_time": f"{at:.0f}s", "exp_alerts": [expected]}
        check(tmp_path, often(nightly(ends, nights(2))), {"alert_rule_test": [case]})


def test_records_that_were_lost_to_a_run_are_told_for_an_hour(tmp_path: Path) -> None:
    runs = nightly({0: 0, NIGHT: 0}, nights(2))
    labels = next(iter(runs.samples)).partition("{")[2]
    times = range(0, nights(2) * 60 + 1, 600)
    lost: list[Value] = [float(7 * (at >= NIGHT)) for at in times]
    seen = often(runs | Scraped(600, {f"stream_run_records_lost{{{labels}": lost}))
    told = [firing("RecordsLost", **RUN)]
    assert_fires(tmp_path, seen, {0.9 * NIGHT: (), NIGHT + 900: told, NIGHT + 5000: ()})


def test_as_many_lost_records_as_the_night_before_are_told_again(tmp_path: Path) -> None:
    runs = nightly({0: 0, NIGHT: 0}, nights(2))
    labels = next(iter(runs.samples)).partition("{")[2]
    lost: list[Value] = [7.0] * (nights(2) // 10 + 1)
    seen = often(runs | Scraped(600, {f"stream_run_records_lost{{{labels}": lost}))
    assert_fires(tmp_path, seen, {NIGHT + 900: [firing("RecordsLost", **RUN)]})


def test_a_stream_that_goes_on_pushing_tells_of_a_loss_for_an_hour(tmp_path: Path) -> None:
    pushed: dict[str, Signal] = {
        "push_time_seconds": lambda second: second,
        "stream_run_started_timestamp_seconds": steady(1),
        "stream_run_end_timestamp_seconds": steady(0),
        "stream_run_records_lost": step(1800, 7),
    }
    seen = scraped(pushed, 180, job="churn", instance="group")
    told = [firing("RecordsLost", **RUN)]
    assert_fires(tmp_path, seen, {1700: (), 2400: told, 5000: told, 5500: (), 10_800: ()})


def test_what_a_run_has_pushed_is_no_stream_that_stands_still_or_bursts(tmp_path: Path) -> None:
    runs = nightly({0: 0, NIGHT: 0}, nights(2))
    own = next(iter(runs.samples)).partition("{")[2].removesuffix("}")
    times = range(0, nights(2) * 60 + 1, 600)

    def rising(most: float) -> list[Value]:
        return [most if at % NIGHT else 0.0 for at in times]

    own = f'{own},run="once",topic="t"'
    guides = {
        f'kafka_messages_processed_total{{{own},status="success"}}': 5000.0,
        f'kafka_messages_processed_total{{{own},status="failed"}}': 90.0,
        f'kafka_messages_failed_total{{{own},error_type="validation_error"}}': 90.0,
    }
    seen = often(runs | Scraped(600, {name: rising(most) for name, most in guides.items()}))
    moments = [0.5 * NIGHT, NIGHT + 660, NIGHT + 900, 1.5 * NIGHT]
    assert_fires(tmp_path, seen, dict.fromkeys(moments, ()))
