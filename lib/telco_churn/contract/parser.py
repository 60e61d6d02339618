"""Parses events and checks them against the contract, each record on its own."""

from __future__ import annotations

import secrets
from functools import reduce
from operator import add, and_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, StringType, StructField

from telco_churn.contract.framing import has_other_schema_col, is_framed_col, payload_col
from telco_churn.contract.rules import VIOLATION_SCHEMA, accepts_col, violation_col, violation_cols
from telco_churn.contract.schema import Contract
from telco_churn.contract.settings import SchemaIds

MAX_EVENT_BYTES = 65_536
"""Longest value that is parsed; a valid event takes about 650 bytes."""
MAX_ENVELOPE_BYTES = 65_536
"""Most bytes of key and headers that are copied to the output."""
MAX_NESTED = 64
"""Most objects and arrays in a message. An event is one object; Spark's functions for VARIANT call
themselves for each level, and a message of 900 levels has been seen to overflow the stack."""
MAX_UNKNOWN_FIELDS = 50
"""Unknown fields that a dead letter names; a message can hold thousands."""
MAX_NAME_CHARS = 100
"""Characters of an unknown field's name that a dead letter shows."""

_ANY_SCHEMA = SchemaIds()
# Spark's defaults accept single quotes and NaN, which RFC 8259 does not know.
_STRICT_JSON = {"allowSingleQuotes": "false", "allowNonNumericNumbers": "false"}
_END = "_end_of_message"
_VIOLATIONS = ArrayType(VIOLATION_SCHEMA).simpleString()


class EventParser:
    """Turns records into events, and says what is wrong with those that are none.

    `from_json` ignores whatever follows the first document, so each message is parsed as the first
    of two elements of an array. The second is a mark that no sender can know; unless exactly the
    two are there, the message held more, or less, than one document.
    """

    def __init__(self, contract: Contract, schema_ids: SchemaIds = _ANY_SCHEMA) -> None:
        self._contract = contract
        self._schema_ids = schema_ids
        self._mark = secrets.token_hex(8)

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the contract's fields."""
        return tuple(field.name for field in self._contract.fields)

    def with_event(self, records: DataFrame) -> DataFrame:
        """Adds what can be read of each message.

        Args:
            records: with `key` BINARY, `value` BINARY and `headers` ARRAY<STRUCT<key, value>>.

        Returns:
            `records` with `text` STRING (the message, without a schema's id before it; null when it
            is not UTF-8 or too large),
            `event` STRUCT (the contract's fields; null where they could not be read) and
            `is_accepted` BOOLEAN (the event surely satisfies the contract).
        """
        text = F.when(_fits(), F.try_validate_utf8(payload_col().cast("string")))
        bracketed = F.concat(F.lit("["), "text", F.lit(f',{{"{_END}":"{self._mark}"}}]'))
        element = self._contract.schema.add(StructField(_END, StringType()))
        return (
            records.withColumn("text", text)
            .withColumn("parsed", F.from_json(bracketed, ArrayType(element), _STRICT_JSON))
            # `get` gives null beyond the end, where an index throws in ANSI mode.
            .withColumn("event", F.get("parsed", F.lit(0)))
            .withColumn("is_accepted", self._is_accepted())
            .drop("parsed")
        )

    def with_violations(self, events: DataFrame) -> DataFrame:
        """Adds `violations` ARRAY<STRUCT<field, code, message>>: every broken rule; empty if valid.

        Args:
            events: as made by `with_event`; `is_accepted` is dropped.
        """
        bracketed = F.concat(F.lit("["), "text", F.lit(f',"{self._mark}"]'))
        # VARIANT refuses half a surrogate pair, which JSON allows; no rule depends on which one.
        without_surrogates = F.regexp_replace(bracketed, r"\\u[dD][89a-fA-F]..", r"\\ufffd")
        document = F.coalesce(F.try_parse_json(bracketed), F.try_parse_json(without_surrogates))
        none = F.array().cast(_VIOLATIONS)
        return (
            events.withColumn("document", F.when(~F.col("is_accepted") & _is_shallow(), document))
            .withColumn(
                "violations", F.when(F.col("is_accepted"), none).otherwise(self._violations())
            )
            .drop("document", "is_accepted")
        )

    def _is_accepted(self) -> Column:
        event = F.col("event")
        conditions = [
            F.size("parsed") == 2,
            F.get("parsed", F.lit(1))[_END] == self._mark,
            *(accepts_col(field, event[field.name]) for field in self._contract.fields),
        ]
        if not self._contract.allows_unknown:
            conditions.append(self._has_only_known_fields(event))
        if self._schema_ids.encoded:
            conditions.append(~has_other_schema_col(self._schema_ids))
        return F.coalesce(reduce(and_, conditions), F.lit(False))

    def _has_only_known_fields(self, event: Column) -> Column:
        """BOOLEAN: surely no field that the contract does not name.

        Listing the keys would parse the message a second time. Where nothing is escaped, a valid
        flat object has one colon for each of its fields and those inside its strings, so counting
        colons is enough: an unknown, repeated or null field makes one more.
        """
        fields = self._contract.fields
        present = [event[f.name].isNotNull().cast("int") for f in fields if not f.is_required]
        inner = [_colons(event[f.name]) for f in fields if _may_hold_colon(f.rules)]
        required = sum(field.is_required for field in fields)
        expected = reduce(add, [*present, *inner], F.lit(required))
        return ~F.contains("text", F.lit("\\")) & (_colons(F.col("text")) == expected)

    def _violations(self) -> Column:
        document = F.col("document")
        is_one = (F.try_variant_get(document, "$[1]", "string") == self._mark) & F.isnull(
            F.variant_get(document, "$[2]", "variant")
        )
        is_one = F.coalesce(is_one, F.lit(False))
        is_object = _is_object(F.variant_get(document, "$[0]", "variant"))
        is_event = is_one & F.coalesce(is_object, F.lit(False))
        whole = F.when(F.isnull("value"), violation_col(None, "null_value", "the message is null"))
        whole = whole.when(~_fits(), violation_col(None, "too_large", _TOO_LARGE))
        if self._schema_ids.encoded:
            other = violation_col(None, "unknown_schema_id", f"must have schema {self._schema_ids}")
            whole = whole.when(has_other_schema_col(self._schema_ids), other)
        whole = (
            whole.when(~_is_shallow(), violation_col(None, "too_deep", _TOO_DEEP))
            .when(is_framed_col() & ~is_event, violation_col(None, "framed_non_object", _FRAMED))
            .when(F.isnull("text"), violation_col(None, "invalid_utf8", "must be UTF-8"))
            .when(F.trim("text") == "", violation_col(None, "empty_value", "the message is blank"))
            .when(F.isnull("document"), self._malformed())
            .when(~is_one, violation_col(None, "trailing_data", _ONE))
            .when(~is_object, violation_col(None, "not_an_object", "must be an object"))
        )
        found = [c for field in self._contract.fields for c in violation_cols(field, document)]
        # `filter` is evaluated by the interpreter: the rules stay out of the generated code, whose
        # methods the JVM would otherwise find too long to compile.
        fields = F.filter(F.array(*found), lambda violation: violation.isNotNull())
        if not self._contract.allows_unknown:
            fields = F.concat(fields, self._unknown_fields())
        return F.when(whole.isNotNull(), F.array(whole)).otherwise(fields)

    def _malformed(self) -> Column:
        return F.when(
            F.try_parse_json("text").isNotNull(), violation_col(None, "trailing_data", _ONE)
        ).otherwise(violation_col(None, "malformed_json", "must be JSON (RFC 8259)"))

    def _unknown_fields(self) -> Column:
        known = F.array(*(F.lit(field.name) for field in self._contract.fields))
        unknown = F.array_except(F.json_object_keys("text"), known)
        return F.transform(
            F.slice(unknown, 1, MAX_UNKNOWN_FIELDS),
            lambda name: F.struct(
                F.substring(name, 1, MAX_NAME_CHARS).alias("field"),
                F.lit("unknown_field").alias("code"),
                F.lit("is not part of the contract").alias("message"),
            ),
        )


_ONE = "must be exactly one JSON document"
_FRAMED = "must be one JSON object behind its schema id, as the JSON Schema serializer writes it"
_TOO_DEEP = f"must be one flat object; this holds more than {MAX_NESTED} objects and arrays"
_TOO_LARGE = (
    f"must be at most {MAX_EVENT_BYTES} bytes, its key and headers {MAX_ENVELOPE_BYTES} in all"
)


def envelope_bytes_col() -> Column:
    """BIGINT: bytes of the record's key and headers."""
    header = F.aggregate(
        "headers",
        F.lit(0).cast("long"),
        lambda total, h: total + F.octet_length(h["key"]) + bytes_col(h["value"]),
    )
    return F.when(F.isnull("headers"), F.lit(0).cast("long")).otherwise(header) + bytes_col("key")


def _fits() -> Column:
    return (bytes_col("value") <= MAX_EVENT_BYTES) & (envelope_bytes_col() <= MAX_ENVELOPE_BYTES)


def _is_shallow() -> Column:
    return F.size(F.split("text", r"[\[{]")) - 1 <= MAX_NESTED


def bytes_col(binary: Column | str) -> Column:
    """INT: length of BINARY or STRING in bytes; 0 for null."""
    return F.coalesce(F.octet_length(binary), F.lit(0))


def _is_object(value: Column) -> Column:
    return F.schema_of_variant(value).startswith("OBJECT<")


def _colons(text: Column) -> Column:
    # `split` by one character is the fastest of the functions that could count.
    return F.coalesce(F.size(F.split(text, ":")) - 1, F.lit(0))


def _may_hold_colon(rules: object) -> bool:
    return isinstance(rules, dict) and (
        any(":" in value for value in rules["enum"])
        if "enum" in rules
        else rules.get("type", "string") == "string"
    )
