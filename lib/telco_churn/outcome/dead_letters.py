"""Dead letters: the message as it came, and every reason why it could not be scored.

A dead letter must fit the broker's `max.message.bytes` (1 MB unless set): if it did not, the sink
would fail on it again and again, and the query could never pass that record.
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from stream_telemetry.batch.clock import wall_clock_col
from stream_telemetry.batch.interpreted import let
from telco_churn.contract.framing import is_framed_col
from telco_churn.outcome.source_headers import RETRY_COUNT

MAX_TEXT_BYTES = 800_000
"""Most bytes of the wrapped message after JSON escaping; leaves room for key, headers, reasons."""
KEPT_CHARACTERS = 100_000
"""Beginning of a text that is too large: escaping makes at most six bytes of a character."""
KEPT_BYTES = 100_000
"""Beginning of other bytes that are too large: it may be text by itself, six bytes of each."""
MAX_REASON_CHARS = 2_000

JSON_OPTIONS = {
    "timestampFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
    "timeZone": "UTC",
    "locale": "en-US",
    "ignoreNullFields": "true",
}
"""How `to_json` writes both kinds of output: times in ISO 8601, to the millisecond, in UTC."""
_WITH_NULLS = {**JSON_OPTIONS, "ignoreNullFields": "false"}


def bounded_value_cols() -> tuple[Column, Column]:
    """The message, shortened where it is too large to wrap, so that no later step copies megabytes.

    Returns:
        `value` BINARY (of a message that is too large: its beginning) and `truncated`
        STRUCT<length INT, sha256 STRING> of the whole message; null if `value` is it.
    """
    value, length = F.col("value"), F.octet_length("value")
    # Escaped, even these are small enough: all but a few messages, at the price of one look.
    is_short = F.isnull("value") | (length <= MAX_TEXT_BYTES // 6)
    kept = let(value.cast("string"), _kept)
    whole = F.struct(length.alias("length"), F.sha2(value, 256).alias("sha256"))
    return (
        F.when(is_short, value).otherwise(kept).alias("value"),
        F.when(~is_short & (F.octet_length(kept) < length), whole).alias("truncated"),
    )


def _kept(text: Column) -> Column:
    """BINARY: all of the value, or as much of its beginning as a dead letter can hold."""
    value, length = F.col("value"), F.octet_length("value")
    is_text = _is_text(text)
    escaped = F.octet_length(F.to_json(F.struct(text.alias("t"))))
    fits = (
        # JSON escapes a byte to six at most, and base64 makes four bytes of three.
        F.when(~is_text, length <= MAX_TEXT_BYTES * 3 // 4)
        .when(length <= MAX_TEXT_BYTES, escaped <= MAX_TEXT_BYTES)
        .otherwise(F.lit(False))
    )
    return (
        F.when(fits, value)
        .when(is_text, F.substring(text, 1, KEPT_CHARACTERS).cast("binary"))
        .otherwise(F.substring("value", 1, KEPT_BYTES))
    )


def dead_letter_col(consumer_group: str, error_type: Column) -> Column:
    """STRING: the dead letter as JSON, by the contract `dead_letter`.

    Reads `value`, `truncated`, `headers`, `topic` and `violations` of the record.
    """
    text = F.col("value").cast("string")
    kept = F.when(_is_text(text), text)
    return let(
        F.struct(error_type.alias("error_type"), kept.alias("text")),
        lambda known: _letter(consumer_group, known["error_type"], known["text"]),
    )


def _letter(consumer_group: str, error_type: Column, text: Column) -> Column:
    """The letter of a message that is kept as `text`, or as bytes where that is null."""
    letter = F.struct(
        text.alias("original_message"),
        error_type.alias("error_type"),
        F.substring(_reason(error_type), 1, MAX_REASON_CHARS).alias("error_message"),
        F.col("violations").alias("validation_errors"),
        F.col("topic").alias("source_topic"),
        wall_clock_col().alias("failed_ts"),
        F.lit(consumer_group).alias("consumer_group"),
        _retry_count().alias("retry_count"),
    )
    # Present only where they mean something: in few letters, so that most are written at once.
    rarely = F.struct(
        F.when(text.isNull(), F.base64("value")).alias("original_base64"),
        F.col("truncated").alias("original_truncated"),
    )
    is_usual = (text.isNotNull() | F.isnull("value")) & F.col("truncated").isNull()
    # `ignoreNullFields` holds for a whole document, so the two halves are written apart.
    return let(
        F.to_json(letter, _WITH_NULLS),
        lambda written: F.when(is_usual, written).otherwise(
            _merged(written, F.to_json(rarely, JSON_OPTIONS))
        ),
    )


def _is_text(text: Column) -> Column:
    """Whether the message is kept as text; one behind a schema's id is not, even if it is UTF-8."""
    return F.is_valid_utf8(text) & ~is_framed_col()


def _reason(error_type: Column) -> Column:
    """One sentence that quotes nothing of the message itself, which may hold anything."""
    broken = F.transform(
        "violations",
        lambda v: F.concat_ws(" ", F.coalesce(v["field"], F.lit("message")), v["message"]),
    )
    return (
        F.when(error_type == "validation_error", F.array_join(broken, "; "))
        .when(error_type == "processing_error", "the features cannot be computed")
        .when(error_type == "inference_error", "the model gives no probability")
        .otherwise("unknown error")
    )


def _retry_count() -> Column:
    """How often the event was sent again, by the header that its sender sets."""
    counts = F.filter("headers", lambda header: header["key"] == RETRY_COUNT)
    # As Kafka's own clients read a repeated header: the last one counts.
    last = F.try_element_at(counts, F.lit(-1))["value"].cast("string").try_cast("int")
    return F.greatest(last, F.lit(0))


def _merged(first: Column, second: Column) -> Column:
    """Two JSON objects as one; neither is empty."""
    return F.concat(
        F.substring(first, F.lit(1), F.length(first) - 1),
        F.lit(","),
        F.substring(second, F.lit(2), F.length(second)),
    )
