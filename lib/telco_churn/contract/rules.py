"""Compiles the fields of a contract into Spark expressions.

Two forms of the same rules:

- `accepts_col` works on the value that `from_json` made. It is cheap and never true for a value
  that breaks a rule, but it may be false for an odd yet valid one.
- `violation_cols` works on the JSON document itself (VARIANT), where types and absence can be told
  apart. It is exact, and only evaluated for what the first form did not accept.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from operator import and_

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.types import StringType, StructField, StructType

from telco_churn.contract.patterns import translated
from telco_churn.contract.schema import Field, Schema

VIOLATION_SCHEMA = StructType(
    [
        StructField("field", StringType()),
        StructField("code", StringType()),
        StructField("message", StringType()),
    ]
)

# RFC 3339, section 5.6, as `jsonschema` checks it: no leap seconds, T and Z in either case.
_DATE_TIME = (
    r"^[0-9]{4}-(0[1-9]|1[0-2])-[0-9]{2}[Tt]([01][0-9]|2[0-3])(:[0-5][0-9]){2}(\.[0-9]+)?"
    r"([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])\z"
)
_INFINITY = float("inf")


def violation_col(field: str | None, code: str, message: Column | str) -> Column:
    """STRUCT<field, code, message>, all STRING; `field` is null for the message as a whole."""
    text = F.lit(message) if isinstance(message, str) else message
    return F.struct(
        F.lit(field).cast("string").alias("field"), F.lit(code).alias("code"), text.alias("message")
    )


def accepts_col(field: Field, value: Column) -> Column:
    """BOOLEAN, never null: `value`, as read by `from_json`, surely satisfies the field's rules."""
    accepted = _accepts_either(field, value) if field.branches else _accepts(field.rules, value)
    if not field.is_required:
        accepted = value.isNull() | accepted
    return F.coalesce(accepted, F.lit(False))


def violation_cols(field: Field, document: Column) -> Iterator[Column]:
    """For each rule of the field, a violation if the rule is broken, else null.

    Args:
        field: the field to check.
        document: VARIANT, an array whose first element is the message.
    """
    name = field.name
    value = F.variant_get(document, f"$[0]['{name}']", "variant")
    is_absent = F.isnull(value) | F.is_variant_null(value)
    if field.is_required:
        yield F.when(is_absent, violation_col(name, "missing_field", "is missing or null"))
    else:
        is_null = F.is_variant_null(value)
        yield F.when(is_null, violation_col(name, "wrong_type", "must not be null"))
    is_present = ~is_absent
    if field.branches:
        yield F.when(is_present, _one_of_violation(field, value))
        return
    for code, message, holds in _checks(field.rules, value):
        yield F.when(is_present & ~holds, violation_col(name, code, message))


def _accepts(rules: Schema, value: Column) -> Column:
    conditions = [value.isNotNull()]
    if "enum" in rules:
        conditions.append(value.isin(rules["enum"]))
    if "pattern" in rules:
        conditions.append(value.rlike(translated(rules["pattern"])))
    if "format" in rules:
        conditions.append(_is_date_time(value))
    if rules["type"] != "string":
        conditions.append(_is_within(rules, value))
    if rules["type"] == "integer":
        conditions.append(value % 1 == 0)
    return reduce(and_, conditions)


def _accepts_either(field: Field, text: Column) -> Column:
    """The text of a number or a string: whichever it was, its own branch accepts it."""
    number_rules, string_rules = sorted(field.branches, key=lambda branch: str(branch["type"]))
    as_number = _is_within(number_rules, text.try_cast("double"))
    # Every JSON number can be cast; what cannot be cast was a string.
    return _accepts(string_rules, text) & F.coalesce(as_number, F.lit(True))


def _checks(rules: Schema, value: Column) -> Iterator[tuple[str, str, Column]]:
    """Code, message and BOOLEAN of each rule.

    As in JSON Schema, a rule for strings or numbers holds for values of any other type.
    """
    kind = F.schema_of_variant(value)
    text = F.try_variant_get(value, "$", "string")
    number = F.try_variant_get(value, "$", "double")
    is_string = kind == "STRING"
    is_number = kind.isin("BIGINT", "DOUBLE", "FLOAT") | kind.startswith("DECIMAL")
    # JSON numbers have no upper limit, a DOUBLE has.
    is_finite = F.abs(number) < _INFINITY
    is_measurable = is_number & is_finite
    typed = {
        "string": is_string,
        "number": is_number,
        "integer": is_number & (~is_finite | (number % 1 == 0)),
    }
    article = {"string": "a string", "number": "a number", "integer": "a whole number"}
    yield "wrong_type", f"must be {article[rules['type']]}", typed[rules["type"]]
    if "enum" in rules:
        allowed = is_string & text.isin(rules["enum"])
        yield "not_in_enum", f"must be one of: {', '.join(rules['enum'])}", allowed
    if "pattern" in rules:
        matches = text.rlike(translated(rules["pattern"]))
        yield "bad_format", f"must match {rules['pattern']}", ~is_string | matches
    if "format" in rules:
        yield "bad_timestamp", "must be an RFC 3339 date and time", ~is_string | _is_date_time(text)
    if "minimum" in rules:
        is_enough = ~is_measurable | (number >= rules["minimum"])
        yield "out_of_range", f"must be at least {rules['minimum']}", is_enough
    if "maximum" in rules:
        is_little = ~is_measurable | (number <= rules["maximum"])
        yield "out_of_range", f"must be at most {rules['maximum']}", is_little
    if rules["type"] != "string":
        yield "non_finite", "must be a finite number", ~is_number | is_finite


def _one_of_violation(field: Field, value: Column) -> Column:
    """The violations of the branch that has the value's type; all types differ."""
    kind = F.schema_of_variant(value)
    message = "must be " + ", or ".join(_describe(branch) for branch in field.branches)
    result = F.when(
        ~(kind.isin("STRING", "BIGINT", "DOUBLE", "FLOAT") | kind.startswith("DECIMAL")),
        violation_col(field.name, "wrong_type", message),
    )
    for branch in field.branches:
        is_type, *others = _checks(branch, value)
        for code, _, holds in others:
            result = result.when(is_type[2] & ~holds, violation_col(field.name, code, message))
    text = F.try_variant_get(value, "$", "double")
    # A text such as "1e400" matches the pattern, but no DOUBLE can hold it.
    overflows = (kind == "STRING") & (F.abs(text) >= _INFINITY)
    return result.when(overflows, violation_col(field.name, "non_finite", message))


def _describe(rules: Schema) -> str:
    words = [f"a {rules['type']}"]
    if "minimum" in rules:
        words.append(f"of at least {rules['minimum']}")
    if "maximum" in rules:
        words.append(f"of at most {rules['maximum']}")
    if "pattern" in rules:
        words.append(f"that matches {rules['pattern']}")
    return " ".join(words)


def _is_within(rules: Schema, number: Column) -> Column:
    lowest = number >= rules["minimum"] if "minimum" in rules else number > -_INFINITY
    highest = number <= rules["maximum"] if "maximum" in rules else number < _INFINITY
    return lowest & highest


def _is_date_time(text: Column) -> Column:
    # The expression takes 30 February and the year 0; the cast takes "2025" and "T04:00". Not by
    # upper(): at the first call it lets ICU go through all of Unicode.
    capitals = F.translate(text, "tz", "TZ")
    is_real = capitals.try_cast("timestamp").isNotNull() & ~text.startswith("0000")
    return text.rlike(_DATE_TIME) & is_real
