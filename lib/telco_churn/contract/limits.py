"""How large a message may be: what is beyond is refused before any costly look at it."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

MAX_EVENT_BYTES = 65_536
"""Longest value that is parsed; a valid event takes about 650 bytes."""
MAX_ENVELOPE_BYTES = 65_536
"""Most bytes of key and headers that are copied to the output."""
MAX_NESTED = 64
"""Most objects and arrays in a message. An event is one object; Spark's functions for VARIANT call
themselves for each level, and a message of 900 levels has been seen to overflow the stack."""


def fits_col() -> Column:
    """BOOLEAN, never null: neither `value` nor key and headers are too large."""
    return (bytes_col("value") <= MAX_EVENT_BYTES) & (envelope_bytes_col() <= MAX_ENVELOPE_BYTES)


def envelope_bytes_col() -> Column:
    """BIGINT: bytes of the record's key and headers."""
    header = F.aggregate(
        "headers",
        F.lit(0).cast("long"),
        lambda total, h: total + F.octet_length(h["key"]) + bytes_col(h["value"]),
    )
    return F.when(F.isnull("headers"), F.lit(0).cast("long")).otherwise(header) + bytes_col("key")


def is_shallow_col(text: Column) -> Column:
    """BOOLEAN: `text` has no more than `MAX_NESTED` brackets that open; null for null."""
    return F.size(F.split(text, r"[\[{]")) - 1 <= MAX_NESTED


def bytes_col(binary: Column | str) -> Column:
    """INT: length of BINARY or STRING in bytes; 0 for null."""
    return F.coalesce(F.octet_length(binary), F.lit(0))
