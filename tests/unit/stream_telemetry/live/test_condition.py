"""The word for how the query is, from the facts alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from stream_telemetry.live.condition import (
    CONDITIONS,
    Condition,
    Facts,
    condition,
    late_after,
    span,
)
from stream_telemetry.live.recent import Trend

WELL = Facts(
    state="running",
    checks={"broker_connection": "pass", "model_loaded": "pass", "query_progress": "pass"},
    silence=2.0,
    asked=1.0,
    trend=Trend(0, 0, 30),
    read=1000,
)
NO_BROKER = {**WELL.checks, "broker_connection": "fail"}
FALLS, STAYS, UNKNOWN = Trend(8000, 11000, 30), Trend(8000, 8010, 30), Trend(8000, None, 30)


def of(**changes: Any) -> Condition:
    return condition(replace(WELL, **changes))


CASES: list[tuple[str, str, dict[str, Any], str]] = [
    ("running", "good", {}, "no record waits"),
    ("running", "good", {"oldest": 4.0}, "is 4 s old"),
    ("running", "busy", {"asked": None}, "Kafka has not told yet"),
    ("idle", "good", {"state": "idle"}, "2 s ago"),
    ("late", "warning", {"oldest": 40.0, "waiting": 8000, "trend": STAYS}, "oldest is 40 s old"),
    ("late", "bad", {"oldest": 61.0, "waiting": 8000, "trend": STAYS}, "hardly get fewer"),
    ("late", "bad", {"state": "lagging", "oldest": 400.0, "trend": None}, "6 min 40 s old"),
    ("late", "warning", {"oldest": 20.0, "batch_seconds": 38.0}, "a batch takes up to 38 s"),
    ("late", "warning", {"state": "idle", "oldest": 40.0}, "oldest is 40 s old"),
    (
        "catching up",
        "warning",
        {"oldest": 40.0, "waiting": 9000, "trend": FALLS},
        "100 fewer each second, so about 1 min 30 s are left",
    ),
    ("catching up", "warning", {"oldest": 40.0, "waiting": 9000, "trend": UNKNOWN}, "too soon"),
    ("slow sink", "bad", {"state": "slow_sink", "silence": 80.0, "oldest": 80.0}, "1 min 20 s"),
    ("hung", "bad", {"state": "stalled", "silence": 61.0}, "for 1 min 1 s"),
    ("no broker", "bad", {"checks": NO_BROKER, "asked": 30.0}, "not answered for 30 s"),
    ("no broker", "bad", {"checks": NO_BROKER, "asked": None}, "not answered yet"),
    ("no broker", "bad", {"checks": NO_BROKER, "state": "stalled", "asked": 90.0}, "none is lost"),
    ("no broker", "bad", {"checks": NO_BROKER, "state": "starting"}, "not answered"),
    ("refusing", "warning", {"refused": 600}, "60 % of the last 1,000 records"),
    ("restarting", "bad", {"state": "restarting", "restarts": 2}, "2nd time"),
    ("restarting", "bad", {"state": "restarting", "checks": NO_BROKER, "restarts": 11}, "11th"),
    ("stopping", "busy", {"state": "stopping"}, "finished"),
    ("failed", "bad", {"state": "failed", "checks": NO_BROKER}, "log says why"),
    (
        "starting",
        "busy",
        {"state": "starting", "checks": dict.fromkeys(WELL.checks, "not_initialized")},
        "waits for Kafka's answer, the model, Spark",
    ),
]


@pytest.mark.parametrize(("name", "level", "changes", "why"), CASES)
def test_the_facts_have_a_word_a_colour_and_a_reason(
    name: str, level: str, changes: dict[str, Any], why: str
) -> None:
    found = of(**changes)
    assert (found.name, found.level) == (name, level)
    assert why in found.why


def test_each_condition_comes_about() -> None:
    assert {name for name, *_ in CASES} == CONDITIONS.keys()


def test_a_record_that_is_late_is_never_called_running_or_idle() -> None:
    for state in ("running", "idle", "lagging", "slow_sink", "stalled"):
        assert of(state=state, oldest=15.1).name not in ("running", "idle")


def test_a_run_over_all_there_is_begins_with_old_records() -> None:
    assert of(oldest=4000.0, waiting=9e6, is_batch=True).name == "running"


def test_a_few_refused_records_are_no_condition() -> None:
    assert of(read=19, refused=19).name == "running"
    assert of(read=20, refused=10).name == "refusing"
    assert of(read=1000, refused=499).name == "running"


@pytest.mark.parametrize(
    ("batch_seconds", "is_realtime", "expected"),
    [(0, False, 15), (5, False, 15), (60, False, 180), (60, True, 135)],
)
def test_what_is_late_depends_on_how_often_batches_come(
    batch_seconds: float, is_realtime: bool, expected: float
) -> None:
    assert late_after(batch_seconds, is_realtime=is_realtime) == expected


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.04, "0 s"),
        (9.94, "9.9 s"),
        (59.6, "1 min"),
        (200, "3 min 20 s"),
        (7500, "2 h 5 min"),
        (86_400 * 3 + 4 * 3600 + 59, "3 d 4 h"),
    ],
)
def test_times_are_for_people(seconds: float, text: str) -> None:
    assert span(seconds) == text
