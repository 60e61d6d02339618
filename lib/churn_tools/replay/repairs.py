"""Named repairs of a field: each gives the value as it should be, or as it was.

A repair is asked only where a field breaks a rule, and never guesses: where there is more than one
thing that could have been meant, it leaves the value alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

Rules = Mapping[str, Any]
"""A field's part of the contract."""
Repair = Callable[[Any, Rules], Any]

_JSON_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_BEYOND_MICROSECONDS: Final = re.compile(r"[.,][0-9]{7}")


def trimmed(value: Any, rules: Rules) -> Any:
    """A text without the white space around it."""
    return value.strip() if isinstance(value, str) else value


def as_number(value: Any, rules: Rules) -> Any:
    """The number that a text is, where the contract asks for one."""
    is_asked_for = bool(_types(rules) & {"number", "integer"})
    is_number = isinstance(value, str) and _JSON_NUMBER.fullmatch(value)
    return json.loads(value) if is_asked_for and is_number else value


def in_its_case(value: Any, rules: Rules) -> Any:
    """The one allowed word from which a text differs in nothing but its case."""
    if not isinstance(value, str):
        return value
    words = [word for word in rules.get("enum", ()) if word.casefold() == value.casefold()]
    return words[0] if len(words) == 1 else value


def as_yes_or_no(value: Any, rules: Rules) -> Any:
    """Yes or No for true, false, 1 and 0; or 1 and 0 for the others: what the contract asks for."""
    # By type: to Python true is a 1, and so is 1.0.
    is_flag = type(value) is bool or (type(value) is int and value in (0, 1))
    if {"Yes", "No"} <= set(rules.get("enum", ())):
        return ("No", "Yes")[value] if is_flag else value
    if _types(rules) == {"integer"} and (rules.get("minimum"), rules.get("maximum")) == (0, 1):
        return {"No": 0, "Yes": 1}.get(value, value) if isinstance(value, str) else _bit(value)
    return value


def in_utc(value: Any, rules: Rules) -> Any:
    """A time of another zone, in UTC; one that names no zone could be any time."""
    if rules.get("format") != "date-time" or not isinstance(value, str):
        return value
    try:
        time = datetime.fromisoformat(value)
    except ValueError:
        return value
    # Python's own times end at the microsecond.
    if time.tzinfo is None or _BEYOND_MICROSECONDS.search(value):
        return value
    try:
        return time.astimezone(UTC).isoformat().replace("+00:00", "Z")
    except OverflowError:
        return value


REPAIRS: Final[Mapping[str, Repair]] = {
    "trim": trimmed,
    "number-text": as_number,
    "case": in_its_case,
    "yes-no": as_yes_or_no,
    "utc": in_utc,
}
"""Repairs of a field that the contract knows, by the name that `--mend` takes."""
UNKNOWN_FIELDS: Final = "unknown-fields"
"""The repair that leaves out fields that the contract does not know."""


def _types(rules: Rules) -> set[str]:
    return {branch["type"] for branch in rules.get("oneOf", [rules]) if "type" in branch}


def _bit(value: Any) -> Any:
    return int(value) if type(value) is bool else value
