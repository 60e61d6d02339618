"""Each alert fires for the job that has its fault, and for no other, whatever else happens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import reduce
from pathlib import Path

import pytest
from monitoring.made.faults import END, FAULTS
from monitoring.made.job import Scraped, healthy
from monitoring.made.promtool import Labels, assert_fires, firing
from monitoring.rule_files import alerts

pytestmark = pytest.mark.needs("promtool")

PUSHED = {"StalePush", "RunFailed", "RunOverdue"}
NEEDS_OTHERS = {"ReplicaGone"}
MINUTES = END / 60


def expected(name: str, instance: str = "a:8000", environment: str = "prod") -> Iterator[Labels]:
    """The alerts of a job that has a fault; each job is named after its own."""
    for alert in (name, *FAULTS[name].also):
        labels = {"job": name.lower(), "environment": environment}
        if not FAULTS[alert].is_of_job:
            labels["instance"] = instance
        yield firing(alert, **labels)


def together(made: Callable[[str], Scraped]) -> Scraped:
    """A job for each fault, all in one Prometheus."""
    return reduce(Scraped.__or__, (made(name) for name in FAULTS))


def all_expected(**target: str) -> set[Labels]:
    return {labels for name in FAULTS for labels in expected(name, **target)}


def test_there_is_a_fault_for_every_alert() -> None:
    assert FAULTS.keys() | PUSHED | NEEDS_OTHERS == alerts().keys()


def test_each_fault_is_told_of_its_job_alone(tmp_path: Path) -> None:
    made = together(lambda name: FAULTS[name].seen(job=name.lower()))
    assert_fires(tmp_path, made | healthy(MINUTES), {END: all_expected()})


def test_no_near_miss_is_told(tmp_path: Path) -> None:
    made = together(lambda name: FAULTS[name].missed(job=name.lower()))
    assert_fires(tmp_path, made, {END: set()})


@pytest.mark.slow
def test_a_healthy_replica_hides_nothing_and_is_not_accused(tmp_path: Path) -> None:
    def pair(name: str) -> Scraped:
        return FAULTS[name].seen(job=name.lower()) | healthy(
            MINUTES, job=name.lower(), instance="b:8000"
        )

    # The other replica has its ten records a second.
    throughput = firing("LowThroughput", job="lowthroughput", environment="prod")
    assert_fires(tmp_path, together(pair), {END: all_expected() - {throughput}})


def test_environments_of_one_job_and_one_instance_are_kept_apart(tmp_path: Path) -> None:
    def pair(name: str) -> Scraped:
        return FAULTS[name].seen(job=name.lower()) | healthy(
            MINUTES, job=name.lower(), environment="dev"
        )

    assert_fires(tmp_path, together(pair), {END: all_expected()})


@pytest.mark.slow
def test_the_bounds_of_a_histogram_may_be_spelled_either_way(tmp_path: Path) -> None:
    made = together(lambda name: FAULTS[name].seen(job=name.lower()))
    assert_fires(tmp_path, made.spelled('.0"', '"'), {END: all_expected()})


def test_a_missed_scrape_now_and_then_changes_nothing(tmp_path: Path) -> None:
    missed = [minute * 60.0 for minute in (20, 60, 130, 175, 189, 214, 228)]
    made = together(lambda name: FAULTS[name].seen(job=name.lower()).missed(*missed))
    assert_fires(tmp_path, made, {END: all_expected()})


@pytest.mark.parametrize("minutes_ago", [pytest.param(25, marks=pytest.mark.slow), 62])
def test_ten_minutes_without_prometheus_change_nothing(tmp_path: Path, minutes_ago: int) -> None:
    since = END - 60 * (minutes_ago + 10)

    def made(name: str) -> Scraped:
        return FAULTS[name].seen(job=name.lower()).unwatched(since, since + 600)

    assert_fires(tmp_path, together(made), {END: all_expected()})
