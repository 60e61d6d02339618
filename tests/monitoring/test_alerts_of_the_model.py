"""Too few records, odd minutes, replicas and gaps: when alerts about the model are silent."""

from __future__ import annotations

from pathlib import Path

import pytest
from monitoring.made.job import HEALTHY, Signal, drift, errors, healthy, scraped, step
from monitoring.made.promtool import assert_fires, firing

pytestmark = pytest.mark.needs("promtool")

OF_JOB = {"job": "kafka_consumer", "environment": "prod"}
DRIFTED = (firing("ModelInputDrift", **OF_JOB), firing("ModelScoreDrift", **OF_JOB))
UNTOLD = {name: signal for name, signal in HEALTHY.items() if not name.startswith("model_")}
TENURE = 'model_feature_psi{feature="tenure",window="records"}'


def test_a_job_that_has_seen_too_few_records_is_no_drift(tmp_path: Path) -> None:
    assert_fires(tmp_path, scraped(UNTOLD, 60), {3600: ()})


def test_drift_is_told_within_minutes_and_not_before(tmp_path: Path) -> None:
    begun = {name: step(1800, 0.4, before=0.02) for name in drift(0, 0)}
    seen = scraped({**HEALTHY, **begun}, 60)
    assert_fires(tmp_path, seen, {40 * 60: (), 50 * 60: DRIFTED, 60 * 60: DRIFTED})


def test_on_a_quiet_topic_the_latest_records_alone_tell_drift(tmp_path: Path) -> None:
    assert_fires(tmp_path, scraped({**UNTOLD, **drift(0.4, None)}, 60), {3600: DRIFTED})


def test_odd_customers_of_some_minutes_are_no_drift(tmp_path: Path) -> None:
    assert_fires(tmp_path, scraped({**HEALTHY, **drift(0.9, 0.2)}, 60), {3600: ()})


def test_an_index_that_goes_up_and_down_around_the_limit_is_no_drift(tmp_path: Path) -> None:
    def around(seconds: float) -> float:
        return 0.24 if seconds % 480 == 0 else 0.3

    seen = scraped({**HEALTHY, **dict.fromkeys(drift(0, 0), around)}, 60)
    assert_fires(tmp_path, seen, dict.fromkeys(range(1200, 3660, 60), ()))


def test_scrapes_that_fail_neither_hide_drift_nor_make_it(tmp_path: Path) -> None:
    failed = [float(at) for at in range(0, 3600, 240)]
    assert_fires(
        tmp_path, scraped({**HEALTHY, **drift(0.4, 0.4)}, 60).missed(*failed), {3600: DRIFTED}
    )
    held_back = scraped({**HEALTHY, **drift(0.4, 0.2)}, 60).missed(*failed)
    assert_fires(tmp_path, held_back, dict.fromkeys(range(1200, 3660, 60), ()))


def test_a_dead_job_is_no_drift_any_more(tmp_path: Path) -> None:
    seen = scraped({**HEALTHY, **drift(0.4, 0.4)}, 60).dead(2400)
    assert_fires(
        tmp_path, seen, {2400: DRIFTED, 3600: [firing("JobDown", **OF_JOB, instance="a:8000")]}
    )


def test_one_feature_of_one_replica_is_told_once_for_the_job(tmp_path: Path) -> None:
    one = scraped({**HEALTHY, TENURE: step(0, 0.4)}, 60)
    other = healthy(60, instance="b:8000")
    assert_fires(tmp_path, one | other, {3600: [firing("ModelInputDrift", **OF_JOB)]})


@pytest.mark.parametrize(
    ("seen", "is_told"),
    [
        (errors(0.14), True),
        (errors(0.13), False),  # three times what chance makes of so many labels
        (errors(0.13, labels=1_000_000), True),
        (errors(0.08), False),
        ({name: signal for name, signal in errors(0.3).items() if "expected" not in name}, False),
    ],
)
def test_accuracy_is_lost_where_chance_does_not_explain_it(
    tmp_path: Path, seen: dict[str, Signal], is_told: bool
) -> None:
    told = [firing("ModelLessAccurate", **OF_JOB)] if is_told else []
    assert_fires(tmp_path, scraped({**UNTOLD, **seen}, 60), {3600: told})
