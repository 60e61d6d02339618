"""Every rule that a message breaks, found in the JSON document itself.

Exact, and dear: only for messages that have not been accepted at a glance. All of it is inside
higher-order functions and most of it is data, so that the plan stays small (`interpreted.py`).
"""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column
from pyspark.sql import functions as F

from stream_telemetry.batch.interpreted import data_col, let
from telco_churn.contract.framing import has_other_schema_col, is_framed_col, payload_col
from telco_churn.contract.limits import (
    MAX_ENVELOPE_BYTES,
    MAX_EVENT_BYTES,
    MAX_NESTED,
    fits_col,
    is_shallow_col,
)
from telco_churn.contract.rules import (
    RULES_TYPE,
    VIOLATIONS_TYPE,
    patterns_of,
    rule_table,
    violation,
)
from telco_churn.contract.schema import Contract
from telco_churn.contract.settings import SchemaIds
from telco_churn.contract.shape import in_order_pattern

MAX_UNKNOWN_FIELDS = 50
"""Unknown fields that a dead letter names; a message can hold thousands."""
MAX_NAME_CHARS = 100
"""Characters of an unknown field's name that a dead letter shows."""

_ONE = "must be exactly one JSON document"
_FRAMED = "must be one JSON object behind its schema id, as the JSON Schema serializer writes it"
_TOO_DEEP = f"must be one flat object; this holds more than {MAX_NESTED} objects and arrays"
_TOO_LARGE = (
    f"must be at most {MAX_EVENT_BYTES} bytes, its key and headers {MAX_ENVELOPE_BYTES} in all"
)
_MESSAGE = "map<string,variant>"
_FLAT = r"\A[^{}\[\]\\]*+\{[^{}\[\]\\]*+\}[^{}\[\]\\]*+\z"
# All that Spark's cast takes and that can be endless; a text that it refuses costs an exception.
_BLANK = r"[\s\p{Cntrl}]*"
_DIGITS = r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[-+]?[0-9]+)?|0x[0-9a-f.]+p[-+]?[0-9]+"
_NUMBER = rf"(?i)\A{_BLANK}[-+]?(?:inf(?:inity)?|(?:{_DIGITS})[df]?){_BLANK}\z"
_SURROGATE = r"\\u[dD][89a-fA-F].."
_INFINITY = float("inf")
# By how `schema_of_variant` begins: STRING, BIGINT, DOUBLE, FLOAT, DECIMAL(...).
_KINDS = {"STR": "s", "BIG": "n", "DOU": "n", "FLO": "n", "DEC": "n"}
_KIND_CHARACTERS = 3


def violations_col(contract: Contract, schema_ids: SchemaIds, mark: str) -> Column:
    """ARRAY<STRUCT<field, code, message>> of the record's `value`, `key` and `headers`.

    Args:
        contract: the rules.
        schema_ids: the schemas that a message may say it has.
        mark: what no sender can know; it tells the end of the message from what the message says.
    """
    return let(
        F.try_validate_utf8(payload_col().cast("string")),
        lambda text: _of_message(text, contract, schema_ids, mark),
    )


def _of_message(text: Column, contract: Contract, schema_ids: SchemaIds, mark: str) -> Column:
    whole = F.when(F.isnull("value"), _whole("null_value", "the message is null"))
    whole = whole.when(~fits_col(), _whole("too_large", _TOO_LARGE))
    if schema_ids.encoded:
        other = _whole("unknown_schema_id", f"must have schema {schema_ids}")
        whole = whole.when(has_other_schema_col(schema_ids), other)
    whole = whole.when(~is_shallow_col(text), _whole("too_deep", _TOO_DEEP))
    return whole.otherwise(
        let(
            _document(text, mark),
            lambda document: let(
                F.when(_is_one(document, mark), F.try_variant_get(document, "$[0]", _MESSAGE)),
                lambda fields: _of_document(text, document, fields, contract, mark),
            ),
        )
    )


def _document(text: Column, mark: str) -> Column:
    """VARIANT: an array of what the text holds, and the mark."""
    bracketed = F.concat(F.lit("["), text, F.lit(f',"{mark}"]'))
    # VARIANT refuses half a surrogate pair, which JSON allows; no rule depends on which one.
    without_surrogates = F.regexp_replace(bracketed, _SURROGATE, r"\\ufffd")
    again = F.when(text.rlike(_SURROGATE), F.try_parse_json(without_surrogates))
    return F.coalesce(F.try_parse_json(bracketed), again)


def _is_one(document: Column, mark: str) -> Column:
    is_marked = F.try_variant_get(document, "$[1]", "string") == mark
    return is_marked & F.isnull(F.variant_get(document, "$[2]", "variant"))


def _of_document(
    text: Column, document: Column, fields: Column, contract: Contract, mark: str
) -> Column:
    """`fields` MAP<STRING, VARIANT> is null for whatever is not one object."""
    is_one = F.coalesce(_is_one(document, mark), F.lit(False))
    is_json = F.try_parse_json(text).isNotNull()
    return (
        F.when(fields.isNotNull(), _of_fields(text, fields, contract))
        .when(is_framed_col(), _whole("framed_non_object", _FRAMED))
        .when(text.isNull(), _whole("invalid_utf8", "must be UTF-8"))
        .when(F.trim(text) == "", _whole("empty_value", "the message is blank"))
        .when(document.isNull() & ~is_json, _whole("malformed_json", "must be JSON (RFC 8259)"))
        .when(~is_one, _whole("trailing_data", _ONE))
        .otherwise(_whole("not_an_object", "must be an object"))
    )


def _of_fields(text: Column, fields: Column, contract: Contract) -> Column:
    return let(
        F.json_object_keys(text),
        # Interpreted, `concat` goes through its parts by a lazy list; `flatten` does not.
        lambda names: F.flatten(
            F.array(
                _of_known(text, fields, names, contract),
                *([] if contract.allows_unknown else [_of_unknown(names, contract)]),
            )
        ),
    )


def _of_known(text: Column, fields: Column, names: Column, contract: Contract) -> Column:
    """The broken rules of the fields that are not obviously in order."""
    table = rule_table(contract)
    rules_of = data_col({rules["field"]: rules for rules in table}, f"map<string,{RULES_TYPE}>")
    every = data_col([rules["field"] for rules in table], "array<string>")
    # In a flat object without escapes and repeated names, a pattern finds the fields to pass over.
    is_plain = text.rlike(_FLAT) & (F.size(names) == F.size(fields))
    in_order = F.regexp_extract_all(text, F.lit(in_order_pattern(contract)), F.lit(1))
    suspects = F.when(is_plain, F.array_except(every, in_order)).otherwise(every)
    patterns = patterns_of(table)
    return F.flatten(
        F.transform(
            suspects,
            lambda name: let(
                F.struct(
                    F.try_element_at(fields, name).alias("value"),
                    F.try_element_at(rules_of, name).alias("rules"),
                ),
                lambda both: _of_value(both["value"], both["rules"], patterns),
            ),
        )
    )


def _of_unknown(names: Column, contract: Contract) -> Column:
    known = data_col([field.name for field in contract.fields], "array<string>")
    return F.transform(
        F.slice(F.array_except(names, known), 1, MAX_UNKNOWN_FIELDS),
        lambda name: F.struct(
            F.substring(name, 1, MAX_NAME_CHARS).alias("field"),
            F.lit("unknown_field").alias("code"),
            F.lit("is not part of the contract").alias("message"),
        ),
    )


def _of_value(value: Column, rules: Column, patterns: Sequence[str]) -> Column:
    """What VARIANT `value`, null where the field is absent, breaks of a row of the rule table."""
    broken = let(
        _described(value),
        lambda described: F.filter(
            rules["checks"], lambda check: _is_broken(check, described, patterns)
        ),
    )
    return (
        F.when(value.isNull(), rules["absent"])
        .when(F.is_variant_null(value), rules["null"])
        .otherwise(F.slice(broken["broken"], F.lit(1), rules["most"]))
    )


def _described(value: Column) -> Column:
    """STRUCT<kind, text, number>: `text` of a string, `number` of a number."""
    kinds = data_col(_KINDS, "map<string,string>")
    kind = F.try_element_at(kinds, F.substring(F.schema_of_variant(value), 1, _KIND_CHARACTERS))
    return let(
        F.coalesce(kind, F.lit("o")),
        lambda kind: F.struct(
            kind.alias("kind"),
            F.when(kind == "s", F.try_variant_get(value, "$", "string")).alias("text"),
            F.when(kind == "n", F.try_variant_get(value, "$", "double")).alias("number"),
        ),
    )


def _is_broken(check: Column, value: Column, patterns: Sequence[str]) -> Column:
    """BOOLEAN, null counts as false: whatever the check or the value does not say, it is null."""
    text, number = value["text"], value["number"]
    as_number = F.coalesce(number, F.when(text.rlike(_NUMBER), text.try_cast("double")))
    # `when`, because `&` looks at its second part unless the first is false: null is not.
    is_endless = F.when(check["finite"].contains(value["kind"]), F.abs(as_number) >= _INFINITY)
    is_off = (number < check["least"]) | (number > check["most"]) | (number % check["step"] != 0)
    return (
        ~check["kinds"].contains(value["kind"])
        | ~F.array_contains(check["words"], text)
        | ~_matches(text, check["text"], patterns)
        | (is_off & (F.abs(number) < _INFINITY))
        | is_endless
    )


def _matches(text: Column, pattern: Column, patterns: Sequence[str]) -> Column:
    """BOOLEAN: `text` matches `pattern`, one of `patterns`; null if there is none."""
    # Spark compiles a pattern once if it is a constant, else for each record.
    found = F.lit(None).cast("boolean")
    for known in patterns:
        found = F.when(pattern == known, text.rlike(known)).otherwise(found)
    return F.when(pattern.isNotNull(), found)


def _whole(code: str, message: str) -> Column:
    return data_col([violation(None, code, message)], VIOLATIONS_TYPE)
