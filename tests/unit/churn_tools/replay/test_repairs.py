"""What each repair makes of a field's value, and what it leaves alone."""

from __future__ import annotations

from typing import Any

import pytest

from churn_tools.replay.repairs import REPAIRS

TEXT = {"type": "string"}
WORD = {"type": "string", "enum": ["Yes", "No", "No phone service"]}
NUMBER = {"type": "number", "minimum": 0}
BIT = {"type": "integer", "minimum": 0, "maximum": 1}
EITHER = {"oneOf": [{"type": "number"}, {"type": "string", "pattern": "^ *$"}]}
TIME = {"type": "string", "format": "date-time"}


@pytest.mark.parametrize(
    ("name", "rules", "value", "mended"),
    [
        ("trim", TEXT, "  a b\n", "a b"),
        ("trim", NUMBER, 5, 5),
        ("number-text", NUMBER, "29.85", 29.85),
        ("number-text", NUMBER, "12", 12),
        ("number-text", EITHER, "-1e3", -1000.0),
        ("number-text", NUMBER, " 12", " 12"),
        ("number-text", NUMBER, "29,85", "29,85"),
        ("number-text", NUMBER, "012", "012"),
        ("number-text", NUMBER, "NaN", "NaN"),
        ("number-text", NUMBER, "١٢", "١٢"),
        ("number-text", TEXT, "12", "12"),
        ("case", WORD, "yES", "Yes"),
        ("case", WORD, "no PHONE service", "No phone service"),
        ("case", WORD, "Yess", "Yess"),
        ("case", WORD, True, True),
        ("case", {"enum": ["a", "A"]}, "Ä", "Ä"),
        ("case", {"enum": ["ss", "SS"]}, "Ss", "Ss"),
        ("yes-no", WORD, True, "Yes"),
        ("yes-no", WORD, False, "No"),
        ("yes-no", WORD, 0, "No"),
        ("yes-no", WORD, 1, "Yes"),
        ("yes-no", WORD, 1.0, 1.0),
        ("yes-no", WORD, 2, 2),
        ("yes-no", WORD, "1", "1"),
        ("yes-no", BIT, "Yes", 1),
        ("yes-no", BIT, "No", 0),
        ("yes-no", BIT, True, 1),
        ("yes-no", BIT, "maybe", "maybe"),
        ("yes-no", NUMBER, True, True),
        ("yes-no", {"enum": ["Male", "Female"]}, True, True),
        ("utc", TIME, "2025-01-01T05:00:00+01:00", "2025-01-01T04:00:00Z"),
        ("utc", TIME, "2025-01-01 04:00:00.25Z", "2025-01-01T04:00:00.250000Z"),
        ("utc", TIME, "2025-01-01T04:00:00", "2025-01-01T04:00:00"),
        ("utc", TIME, "2025-01-01T05:00:00.1234567+01:00", "2025-01-01T05:00:00.1234567+01:00"),
        ("utc", TIME, "0001-01-01T00:00:00+01:00", "0001-01-01T00:00:00+01:00"),
        ("utc", TIME, "soon", "soon"),
        ("utc", TIME, None, None),
        ("utc", TEXT, "2025-01-01T05:00:00+01:00", "2025-01-01T05:00:00+01:00"),
    ],
)
def test_a_repair_does_what_its_name_says_and_guesses_nothing(
    name: str, rules: dict[str, Any], value: Any, mended: Any
) -> None:
    found = REPAIRS[name](value, rules)
    assert (type(found), found) == (type(mended), mended)


@pytest.mark.parametrize("value", [None, True, 0, 1.5, "x", [1], {"a": {}}])
@pytest.mark.parametrize("name", REPAIRS)
def test_no_repair_stumbles_over_a_value_or_over_rules(name: str, value: Any) -> None:
    for rules in ({}, TEXT, WORD, NUMBER, BIT, EITHER, TIME):
        REPAIRS[name](value, rules)
