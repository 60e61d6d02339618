"""The balance as a person reads it; the integration tests read it from real topics."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace

import pytest
from confluent_kafka import Message

from sandbox.results.preview import dead_letter_line, prediction_line
from sandbox.results.summary import Summary, violations

BALANCED = Summary(
    read=1_200,
    predictions=1_190,
    dead_letters=10,
    unaccounted=0,
    repeated=0,
    reasons=Counter({"inference_error": 1, "validation_error": 9}),
    violations=Counter({"tenure: out_of_range": 2}),
    plan_ms=[1.0, 2.0, 3.0],
    age_seconds=[10.0, 1_234.5],
)


@pytest.mark.parametrize(
    ("unaccounted", "repeated", "is_balanced"),
    [(0, 0, True), (1, 0, False), (0, 1, False)],
)
def test_a_summary_is_balanced_when_each_event_has_one_answer(
    unaccounted: int, repeated: int, is_balanced: bool
) -> None:
    summary = replace(BALANCED, unaccounted=unaccounted, repeated=repeated)
    assert summary.is_balanced is is_balanced


def test_figures_stand_below_each_other_and_the_most_frequent_reason_first() -> None:
    lines = str(BALANCED).splitlines()
    assert lines[:3] == [
        "read             1,200",
        "predictions      1,190",
        "dead letters        10",
    ]
    assert lines[3].split() == ["9", "validation_error"]
    assert lines[4].split() == ["1", "inference_error"]
    assert lines[5].split() == ["2", "tenure:", "out_of_range"]


def test_latency_is_told_by_median_and_the_slowest_twentieth() -> None:
    plan, age = str(BALANCED).splitlines()[-2:]
    assert plan.split()[:7] == ["latency", "median", "2.00", "ms", "p95", "2.90", "ms"]
    assert age.split()[:6] == ["median", "622.25", "s", "p95", "1,173.28", "s"]


@pytest.mark.parametrize("values", [[], [1.0]])
def test_a_spread_of_less_than_two_values_is_a_dash(values: list[float]) -> None:
    plan = str(replace(BALANCED, plan_ms=values)).splitlines()[-2]
    assert plan.split()[:7] == ["latency", "median", "-", "ms", "p95", "-", "ms"]


def test_a_violation_without_a_field_is_one_of_the_message() -> None:
    rules = [{"field": "tenure", "code": "out_of_range"}, {"field": None, "code": "too_large"}]
    letter = Message(value=json.dumps({"validation_errors": rules}).encode())
    assert violations(letter) == ["tenure: out_of_range", "message: too_large"]


@pytest.mark.parametrize("value", [b"{}", b"no JSON", b"[]", None])
def test_a_dead_letter_that_names_no_rule_has_none(value: bytes | None) -> None:
    assert violations(Message(value=value)) == []


def test_a_prediction_is_one_line_with_the_time_it_took() -> None:
    scored = {
        "customerID": "7590-VHVEG",
        "churn_probability": 0.6424,
        "prediction": "Yes",
        "processed_ts": "1970-01-01T00:00:12.500Z",
    }
    message = Message(value=json.dumps(scored).encode(), headers=[("source_timestamp", b"10000")])
    line = "prediction   7590-VHVEG  churn  64.2% -> Yes  2.5 s after it was sent"
    assert prediction_line(message) == line


def test_a_dead_letter_is_one_line_without_the_message_that_it_holds() -> None:
    letter = {
        "error_type": "validation_error",
        "error_message": "tenure must be at most 100",
        "original_message": "SECRET",
    }
    line = dead_letter_line(Message("dead", 0, 7, value=json.dumps(letter).encode()))
    assert line == "dead letter  validation_error: tenure must be at most 100  (dead-0-7)"


def test_a_long_reason_is_cut() -> None:
    letter = {"error_type": "validation_error", "error_message": "x" * 101}
    line = dead_letter_line(Message("dead", 0, 7, value=json.dumps(letter).encode()))
    assert f"validation_error: {'x' * 100} ...  (" in line
