"""The last word on whether a message follows its contract: the `jsonschema` library on the file.

The producer asks it before sending, and tests hold the rules that run inside Spark against it.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn, TypeAlias, cast

from jsonschema import Draft202012Validator, TypeChecker, ValidationError
from jsonschema.validators import extend

from telco_churn.contract.patterns import translated

Violation: TypeAlias = tuple[str | None, str]
"""A field and the schema keyword that it breaks; the field is None for the whole message."""


class ContractValidator:
    """Checks messages against one contract, JSON Schema draft 2020-12.

    `pattern` has its ECMA-262 meaning, as JSON Schema asks. `format` is enforced. A number has to
    fit a double, because that is what every reader of the topic holds it in.
    """

    def __init__(self, contract: Mapping[str, Any]) -> None:
        self.contract = contract
        Draft202012Validator.check_schema(contract)
        self._validator = _Validator(contract, format_checker=Draft202012Validator.FORMAT_CHECKER)

    def violations(self, event: object) -> list[Violation]:
        """Every rule that a parsed message breaks, sorted, each once; empty for a valid one.

        A missing property is (its name, "required"), an unknown one (its name,
        "additionalProperties"). A rule inside a nested property counts for the outermost one.
        """
        found = {v for error in self._validator.iter_errors(event) for v in _violations(error)}
        return sorted(found, key=lambda violation: (violation[0] or "", violation[1]))

    @staticmethod
    def parse(value: bytes | None) -> object:
        """The one JSON document in a record's value, by RFC 8259 and nothing laxer.

        Raises:
            ValueError: no value, not UTF-8, a byte order mark, not exactly one document, `NaN` or
                `Infinity`, nested too deeply, or an integer of thousands of digits.
        """
        if value is None:
            raise ValueError("null value")
        try:
            return _DECODER.decode(value.decode("utf-8"))
        except RecursionError as error:
            raise ValueError("nested too deeply") from error


def _violations(error: ValidationError) -> Iterator[Violation]:
    keyword = str(error.validator)
    instance: Any = error.instance
    rule: Any = error.validator_value
    schema: Any = error.schema
    if error.path:
        yield str(error.path[0]), keyword
    elif keyword == "required":
        yield from ((name, keyword) for name in rule if name not in instance)
    elif keyword == "additionalProperties":
        yield from ((name, keyword) for name in instance if name not in schema["properties"])
    else:
        yield None, keyword


def _check_pattern(
    validator: Any, pattern: str, instance: object, schema: object
) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not re.search(translated(pattern), instance):
        yield ValidationError(f"does not match {pattern!r}")


def _is_number(checker: TypeChecker, instance: object) -> bool:
    # NaN fails the comparison, and an integer beyond a double's range is compared exactly.
    return (
        isinstance(instance, int | float)
        and not isinstance(instance, bool)
        and abs(instance) <= sys.float_info.max
    )


def _is_integer(checker: TypeChecker, instance: object) -> bool:
    # JSON Schema counts 5.0 as an integer.
    return _is_number(checker, instance) and instance == int(cast("float", instance))


def _refuse_constant(literal: str) -> NoReturn:
    raise ValueError(f"{literal} is not JSON")


# Python's own decoder accepts NaN and Infinity.
_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)

_Validator = extend(
    Draft202012Validator,
    validators={"pattern": _check_pattern},
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine_many(
        {"number": _is_number, "integer": _is_integer}
    ),
)
