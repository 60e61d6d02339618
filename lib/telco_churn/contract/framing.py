"""Schema Registry's framing: the schema of a message is named before it or in a header.

Confluent's wire format has two styles. A value begins with byte 0 and the schema's number, four
bytes, big-endian; or a header of the record holds that, or byte 1 and the schema's GUID, and the
value is plain. The registry is never asked: the contract decides what an event is.
"""

from __future__ import annotations

from collections.abc import Collection

from pyspark.sql import Column
from pyspark.sql import functions as F

from telco_churn.contract.settings import SchemaIds

VALUE_HEADER = "__value_schema_id"
SCHEMA_HEADERS = (VALUE_HEADER, "__key_schema_id")
"""Headers that describe the input, so that an output of another schema must not have them."""
FRAME_BYTES = 5

_TO_THE_END = 2**31 - 1


def is_framed_col() -> Column:
    """BOOLEAN: `value` begins with a frame, as no JSON text does; null for a null value."""
    return (F.octet_length("value") >= FRAME_BYTES) & F.startswith("value", F.lit(b"\0"))


def payload_col() -> Column:
    """BINARY: `value` without its frame, if it has one."""
    behind = F.substring("value", FRAME_BYTES + 1, _TO_THE_END)
    return F.when(is_framed_col(), behind).otherwise(F.col("value"))


def has_other_schema_col(ids: SchemaIds) -> Column:
    """BOOLEAN, never null: the frame or the header names a schema that is not among `ids`."""
    in_frame = F.when(is_framed_col(), F.substring("value", 1, FRAME_BYTES))
    named = F.filter("headers", lambda header: header["key"] == VALUE_HEADER)
    in_header = F.try_element_at(named, F.lit(-1))["value"]
    return ~_is_among(in_frame, ids.encoded) | ~_is_among(in_header, ids.encoded)


def own_headers_col() -> Column:
    """ARRAY<STRUCT<key, value>>: `headers` without those that describe the input's schema."""
    names = F.array(*map(F.lit, SCHEMA_HEADERS))
    others = F.filter("headers", lambda header: ~header["key"].isin(*SCHEMA_HEADERS))
    # Looking first is cheaper: `filter` is interpreted, and few records have such headers.
    return F.when(F.arrays_overlap(F.col("headers")["key"], names), others).otherwise(
        F.col("headers")
    )


def _is_among(schema: Column, ids: Collection[bytes]) -> Column:
    return schema.isNull() | schema.isin(*map(bytearray, ids))
