"""Reads a JSON Schema contract into fields that Spark can check.

Only the keywords named here are understood. A contract that uses another one is refused by name:
a rule that nobody checks is worse than none. Two are this project's own, and no value breaks them:
`x-role` says what a property is for, `x-blank` which number a blank text stands for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from sys import float_info
from typing import Any

from pyspark.sql.types import DataType, DoubleType, StringType, StructField, StructType

from telco_churn.contract.patterns import translated
from telco_churn.errors import SettingsError
from telco_churn.paths import read_document

ROLE, BLANK = "x-role", "x-blank"
ANNOTATIONS = {"$schema", "$comment", "title", "description", "examples"}
OBJECT_KEYWORDS = ANNOTATIONS | {"type", "required", "properties", "additionalProperties"}
VALUE_KEYWORDS = ANNOTATIONS | {"type", "enum", "pattern", "minimum", "maximum", "format"}
SHAPE_KEYWORDS = {"type", "enum", "format"}
"""What `shape.py` says of a string."""
FIELD_KEYWORDS = VALUE_KEYWORDS | {"oneOf"}
VALUE_TYPES = ("integer", "number", "string")
_TEXT, _NUMBER, _LIST = (str, "text"), ((int, float), "a number"), (list, "a list")
_SHAPES: Mapping[str, tuple[type | tuple[type, ...], str]] = {
    "pattern": _TEXT,
    "format": _TEXT,
    "minimum": _NUMBER,
    "maximum": _NUMBER,
    "enum": _LIST,
    "required": _LIST,
    "oneOf": _LIST,
    "properties": (dict, "an object"),
    ROLE: _TEXT,
    BLANK: _NUMBER,
}
"""What the value of a keyword is, in Python and for people."""

Schema = Mapping[str, Any]


def limits_of(rules: Schema) -> set[str]:
    """The keywords that limit a value by more than the shape of a message tells."""
    return rules.keys() - ANNOTATIONS - {ROLE} - SHAPE_KEYWORDS


@dataclass(frozen=True)
class Field:
    """One property of the contract: its name, whether it must be there, and its rules."""

    name: str
    is_required: bool
    rules: Schema

    @property
    def branches(self) -> tuple[Schema, ...]:
        """The alternatives of `oneOf`, each of another type; empty for a plain field."""
        return tuple(self.rules.get("oneOf", ()))

    @property
    def role(self) -> str | None:
        """What the property is for; None for one that is only described."""
        return self.rules.get(ROLE)

    @property
    def blank(self) -> float | None:
        """The number that a text of nothing but blanks stands for; None if it stands for none."""
        numbers = [float(branch[BLANK]) for branch in self.branches if BLANK in branch]
        return numbers[0] if numbers else None

    @property
    def is_number(self) -> bool:
        """Whether its values are numbers, or may be the text of one."""
        return bool(self.branches) or self.rules["type"] != "string"

    @property
    def has_limits(self) -> bool:
        """Whether its values are limited by more than the shape of a message tells."""
        is_text = self.rules.get("type") == "string"
        return not is_text or bool(limits_of(self.rules))

    @property
    def spark_type(self) -> DataType:
        """Numbers are read as DOUBLE (`5.0` is an integer too), the rest as STRING."""
        return DoubleType() if self.rules.get("type") in ("number", "integer") else StringType()


@dataclass(frozen=True)
class Contract:
    """The rules for one kind of message; `name` is that of its file, for whoever is to mend it."""

    name: str
    fields: tuple[Field, ...]
    allows_unknown: bool

    @property
    def schema(self) -> StructType:
        """The Spark schema of one message, every field nullable."""
        return StructType([StructField(f.name, f.spark_type) for f in self.fields])


def parse_contract(name: str, schema: Schema) -> Contract:
    """The contract in `schema`.

    Raises:
        SettingsError: the schema uses a keyword, type, format or pattern that would go unchecked.
    """
    _check_keywords(name, schema, OBJECT_KEYWORDS)
    if schema.get("type") != "object":
        raise SettingsError(f"contract {name}: type is {schema.get('type')!r}, must be 'object'")
    required = set(schema.get("required", ()))
    properties: Mapping[str, Schema] = schema.get("properties", {})
    if missing := sorted(required - properties.keys()):
        raise SettingsError(f"contract {name}: required property {missing[0]} is not described")
    # The default is JSON Schema's own.
    allows_unknown = schema.get("additionalProperties", True)
    if not isinstance(allows_unknown, bool):
        raise SettingsError(f"contract {name}: additionalProperties must be true or false")
    _check_names(name, properties)
    fields = tuple(_parse_field(name, n, rules, n in required) for n, rules in properties.items())
    return Contract(name, fields, allows_unknown)


def read_contract(path: Path) -> Contract:
    """The contract in a file; raises SettingsError like `parse_contract`, or if it is no JSON."""
    return parse_contract(str(path), read_document(path))


def _check_names(contract: str, names: Iterable[str]) -> None:
    """Spark takes two names for one that differ in capitals only."""
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(name.lower(), name)
        if other != name:
            raise SettingsError(
                f"contract {contract}: properties {other} and {name} differ in capitals only, "
                "which Spark does not tell apart; rename one"
            )


def _parse_field(contract: str, name: str, rules: Schema, is_required: bool) -> Field:
    where = f"{contract}: property {name}"
    # The name becomes part of a path expression and is looked for in raw JSON text.
    if not name.replace("_", "a").isalnum() or not name.isascii():
        raise SettingsError(f"contract {where}: use letters, digits and _ only")
    _check_keywords(where, rules, FIELD_KEYWORDS | {ROLE})
    branches = rules.get("oneOf", ())
    if not branches:
        _check_value_rules(where, rules)
        return Field(name, is_required, rules)
    if rules.keys() - ANNOTATIONS - {"oneOf"}:
        raise SettingsError(f"contract {where}: oneOf must stand alone")
    for branch in branches:
        is_text = isinstance(branch, Mapping) and branch.get("type") == "string"
        _check_keywords(where, branch, VALUE_KEYWORDS | ({BLANK} if is_text else set()))
        _check_value_rules(where, branch)
    if sorted(branch["type"] for branch in branches) != ["number", "string"]:
        raise SettingsError(f"contract {where}: oneOf must be one number and one string")
    return Field(name, is_required, rules)


def _check_value_rules(where: str, rules: Schema) -> None:
    if rules.get("type") not in VALUE_TYPES:
        raise SettingsError(
            f"contract {where}: type {rules.get('type')!r} is not supported; "
            f"use one of {', '.join(VALUE_TYPES)}"
        )
    if rules.get("format", "date-time") != "date-time":
        raise SettingsError(f"contract {where}: format {rules['format']!r} is not supported")
    enum = rules.get("enum", [""])
    if (rules["type"] != "string" and "enum" in rules) or not all(isinstance(v, str) for v in enum):
        raise SettingsError(f"contract {where}: enum is supported for strings only")
    is_number = rules["type"] != "string"
    idle = {"pattern", "format"} if is_number else {"minimum", "maximum"}
    if unused := sorted(rules.keys() & idle):
        raise SettingsError(f"contract {where}: {unused[0]} does not apply to type {rules['type']}")
    try:
        translated(rules.get("pattern", ""))
    except ValueError as error:
        raise SettingsError(
            f"contract {where}: pattern {rules['pattern']!r} cannot be checked: {error}"
        ) from error


def _check_keywords(where: str, schema: object, known: set[str]) -> None:
    """Refuses keywords that nobody checks, and values that are no values of theirs."""
    if not isinstance(schema, Mapping):
        raise SettingsError(f"contract {where}: {schema!r} is not an object with rules")
    if unknown := sorted(schema.keys() - known):
        raise SettingsError(
            f"contract {where}: keyword {unknown[0]!r} is not supported; "
            f"use {', '.join(sorted(known - ANNOTATIONS))}"
        )
    for keyword in sorted(schema.keys() & _SHAPES.keys()):
        value, (shape, named) = schema[keyword], _SHAPES[keyword]
        # In Python true and false are numbers, and so are NaN and what no DOUBLE holds.
        is_endless = isinstance(value, int | float) and not abs(value) <= float_info.max
        if not isinstance(value, shape) or isinstance(value, bool) or is_endless:
            raise SettingsError(f"contract {where}: {keyword} is {value!r}, must be {named}")
    if not all(isinstance(name, str) for name in schema.get("required", ())):
        raise SettingsError(f"contract {where}: required is a list of names")
