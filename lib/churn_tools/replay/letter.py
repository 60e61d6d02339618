"""A dead letter as it is found in its topic, and the event that it holds."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from confluent_kafka import Message

from stream_telemetry.broker.read import RecordAddress, headers_of, object_of
from stream_telemetry.values import moment
from telco_churn.contract.framing import FRAME_BYTES
from telco_churn.outcome.source_headers import RETRY_COUNT, source_of, without_own

Headers = list[tuple[str, bytes | None]]

_CUT: Final = "cut: the letter holds only the beginning of the message"
_TOO_LARGE: Final = "too large, as a message or in its key and headers, which the letter lacks then"
_NO_SCHEMA: Final = "its schema's id was in a header, which a letter does not keep"


@dataclass(frozen=True)
class DeadLetter:
    """A dead letter.

    Attributes:
        address: where it is.
        written_ms: when Kafka was given it, in milliseconds since 1970.
        source: the event that it answers.
        key: of the event.
        value: of the event, all of it unless it is `incomplete`; None for a null.
        headers: those that came with the event.
        error_type: the step that refused it.
        violations: field, or None for the whole message, and code of each broken rule.
        failed: when it was refused.
        retry_count: how often it had been sent in again before.
        incomplete: what of the event the letter does not have; empty if it has all.
    """

    address: RecordAddress
    written_ms: int
    source: RecordAddress
    key: bytes | None
    value: bytes | None
    headers: Headers
    error_type: str
    violations: tuple[tuple[str | None, str], ...]
    failed: datetime
    retry_count: int
    incomplete: str

    @property
    def headers_to_send(self) -> Headers:
        """The event's own headers, and the count of this try in the place of the last one's."""
        kept = [header for header in self.headers if header[0] != RETRY_COUNT]
        return [*kept, (RETRY_COUNT, str(self.retry_count + 1).encode())]


def letter_of(message: Message) -> DeadLetter | None:
    """The dead letter in a record; None for one that is none, such as another program's."""
    source, letter = source_of(headers_of(message)), object_of(message)
    if source is None:
        return None
    try:
        value, violations = _value_of(letter), _violations_of(letter)
        return DeadLetter(
            address=RecordAddress.of(message),
            written_ms=message.timestamp()[1],
            source=source,
            key=_bytes(message.key()),
            value=value,
            headers=_headers_of(message),
            error_type=str(letter["error_type"]),
            violations=violations,
            failed=moment(letter["failed_ts"]),
            retry_count=int(letter["retry_count"]),
            incomplete=_incomplete(letter, value, {code for _, code in violations}),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def is_framed(value: bytes) -> bool:
    """Whether a message begins with a schema's id, as no JSON text does."""
    return len(value) >= FRAME_BYTES and value.startswith(b"\0")


def _value_of(letter: Mapping[str, Any]) -> bytes | None:
    text, encoded = letter["original_message"], letter.get("original_base64")
    if encoded is not None:
        return base64.b64decode(encoded, validate=True)
    return None if text is None else str(text).encode()


def _violations_of(letter: Mapping[str, Any]) -> tuple[tuple[str | None, str], ...]:
    return tuple((broken["field"], broken["code"]) for broken in letter["validation_errors"])


def _incomplete(letter: Mapping[str, Any], value: bytes | None, codes: set[str]) -> str:
    if "original_truncated" in letter:
        return _CUT
    if "too_large" in codes:
        return _TOO_LARGE
    # The same bytes without that header would count as an event of no schema, and be read.
    if "unknown_schema_id" in codes and not is_framed(value or b""):
        return _NO_SCHEMA
    return ""


def _headers_of(message: Message) -> Headers:
    found = message.headers() or []
    pairs = found.items() if isinstance(found, dict) else found
    return without_own([(name, _bytes(value)) for name, value in pairs])


def _bytes(value: str | bytes | None) -> bytes | None:
    return value.encode() if isinstance(value, str) else value
