"""The rules of a contract's fields, in two forms.

- `accepts_col` looks at the value that `from_json` made, where the message has the usual shape
  (`shape.py`). It is small, and never true for a value that breaks a rule.
- `rule_table` says all of it as data, for one expression that looks at the JSON document itself
  (VARIANT), where types and absence can be told apart (`violations.py`). Only what the first form
  did not accept is looked at so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from operator import and_
from typing import Any

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.types import StringType, StructField, StructType

from telco_churn.contract.patterns import translated
from telco_churn.contract.schema import Contract, Field, Schema
from telco_churn.contract.shape import DATE_TIME

VIOLATION_SCHEMA = StructType(
    [
        StructField("field", StringType()),
        StructField("code", StringType()),
        StructField("message", StringType()),
    ]
)
VIOLATIONS_TYPE = f"array<{VIOLATION_SCHEMA.simpleString()}>"
_CHECK = (
    "struct<kinds:string,words:array<string>,text:string,least:double,most:double,step:double,"
    f"finite:string,broken:{VIOLATION_SCHEMA.simpleString()}>"
)
RULES_TYPE = (
    f"struct<field:string,absent:{VIOLATIONS_TYPE},null:{VIOLATIONS_TYPE},"
    f"most:int,checks:array<{_CHECK}>>"
)
"""Spark's type of a row of `rule_table`.

For each field: `absent` and `null`, what a message without it breaks, or with null in its place;
`checks`; and `most`, how many broken ones are reported. A check is broken by a value whose kind is
not in `kinds` (`s` string, `n` number, `o` other); by a string that is none of `words` or does not
match `text`; by a finite number below `least`, above `most` or no multiple of `step`; and by a
number that no DOUBLE holds, or the text of one, where its kind is in `finite`. What a check does
not say is null.
"""

_INFINITY = float("inf")
_ARTICLED = {"string": "a string", "number": "a number", "integer": "a whole number"}
_KIND = {"string": "s", "number": "n", "integer": "n"}

Data = dict[str, Any]


def violation(field: str | None, code: str, message: str) -> Data:
    """One broken rule; `field` is None for the message as a whole."""
    return {"field": field, "code": code, "message": message}


def accepts_col(contract: Contract, event: Column) -> Column:
    """BOOLEAN, null counts as false: `event`, of a message of the usual shape, breaks no rule."""
    required = [f.name for f in contract.fields if f.is_required and not f.has_limits]
    # It is null as soon as one of its parts is.
    are_there = [F.concat(*(event[name] for name in required)).isNotNull()] if required else []
    limited = [_accepts(f, event[f.name]) for f in contract.fields if f.has_limits]
    return reduce(and_, [*are_there, *limited], F.lit(True))


def _accepts(field: Field, value: Column) -> Column:
    """What the shape does not tell of a field; null for null, if the field is required."""
    if field.branches:
        number, text = sorted(field.branches, key=lambda branch: str(branch["type"]))
        as_number = _within(number, value.try_cast("double"))
        # Every JSON number can be cast; what cannot be cast was a string.
        accepted = _matches(text, value) & F.coalesce(as_number, F.lit(True))
    elif field.rules["type"] == "string":
        accepted = _matches(field.rules, value)
    else:
        accepted = _within(field.rules, value)
    return accepted if field.is_required else value.isNull() | accepted


def _matches(rules: Schema, text: Column) -> Column:
    conditions = [text.isNotNull()]
    if "pattern" in rules:
        conditions.append(text.rlike(translated(rules["pattern"])))
    return reduce(and_, conditions)


def _within(rules: Schema, number: Column) -> Column:
    lowest = number >= rules["minimum"] if "minimum" in rules else number > -_INFINITY
    highest = number <= rules["maximum"] if "maximum" in rules else number < _INFINITY
    within = lowest & highest
    return within & (number % 1 == 0) if rules["type"] == "integer" else within


def rule_table(contract: Contract) -> list[Data]:
    """The rules of each field, as `RULES_TYPE` describes them."""
    return [_rules_of(field) for field in contract.fields]


def patterns_of(table: Sequence[Data]) -> list[str]:
    """Every pattern that a check of the table has as its `text`."""
    checks = (check for rules in table for check in rules["checks"])
    return list(dict.fromkeys(check["text"] for check in checks if "text" in check))


def _rules_of(field: Field) -> Data:
    missing = violation(field.name, "missing_field", "is missing or null")
    null = violation(field.name, "wrong_type", "must not be null")
    checks = _choice(field) if field.branches else _checks(field.name, field.rules)
    return {
        "field": field.name,
        "absent": [missing] if field.is_required else [],
        "null": [missing if field.is_required else null],
        "most": 1 if field.branches else 99,
        "checks": list(checks),
    }


def _checks(name: str, rules: Schema) -> Iterator[Data]:
    """As in JSON Schema, a rule for strings or numbers holds for values of any other type."""
    kind = _KIND[rules["type"]]
    step = {"step": 1.0} if rules["type"] == "integer" else {}
    message = f"must be {_ARTICLED[rules['type']]}"
    yield {"kinds": kind, **step, "broken": violation(name, "wrong_type", message)}
    if "enum" in rules:
        message = f"must be one of: {', '.join(rules['enum'])}"
        yield {
            "kinds": kind,
            "words": rules["enum"],
            "broken": violation(name, "not_in_enum", message),
        }
    for code, message, limit in _limits(rules):
        yield {**limit, "broken": violation(name, code, message)}


def _choice(field: Field) -> Iterator[Data]:
    """Of a number or a string: the branch of the value's own type tells; all have one message."""
    message = "must be " + ", or ".join(_described(branch) for branch in field.branches)
    yield {"kinds": "sn", "broken": violation(field.name, "wrong_type", message)}
    for branch in field.branches:
        if "enum" in branch:
            yield {"words": branch["enum"], "broken": violation(field.name, "not_in_enum", message)}
        for code, _, limit in _limits(branch):
            yield {**limit, "broken": violation(field.name, code, message)}
    # A text such as "1e400" may match the pattern, but no DOUBLE can hold it.
    yield {"finite": "s", "broken": violation(field.name, "non_finite", message)}


def _limits(rules: Schema) -> Iterator[tuple[str, str, Data]]:
    """Code, message and limit of each rule that only says something of values of its type."""
    if "pattern" in rules:
        pattern = translated(rules["pattern"])
        yield "bad_format", f"must match {rules['pattern']}", {"text": pattern}
    if "format" in rules:
        message = "must be an RFC 3339 date and time"
        yield "bad_timestamp", message, {"text": rf"\A(?i:{DATE_TIME})\z"}
    if "minimum" in rules:
        least = float(rules["minimum"])
        yield "out_of_range", f"must be at least {rules['minimum']}", {"least": least}
    if "maximum" in rules:
        most = float(rules["maximum"])
        yield "out_of_range", f"must be at most {rules['maximum']}", {"most": most}
    if rules["type"] != "string":
        yield "non_finite", "must be a finite number", {"finite": "n"}


def _described(rules: Schema) -> str:
    words: Mapping[str, str] = {
        "minimum": "of at least",
        "maximum": "of at most",
        "pattern": "that matches",
    }
    said = [f"{phrase} {rules[name]}" for name, phrase in words.items() if name in rules]
    return " ".join([f"a {rules['type']}", *said])
