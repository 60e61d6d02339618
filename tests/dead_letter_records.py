"""Dead letters as records of their topic, for tests that need no broker."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any

from confluent_kafka import Message

Headers = list[tuple[str, str | bytes | None]]

SOURCE_HEADERS: Headers = [
    ("source_topic", b"raw"),
    ("source_partition", b"2"),
    ("source_offset", b"77"),
    ("source_timestamp", b"1764300000000"),
    ("latency_ms", b"0.251"),
]


def dead_letter(
    original: bytes | None,
    *violations: tuple[str | None, str],
    own: Sequence[tuple[str, str | bytes | None]] = (),
    offset: int = 5,
    **changed: Any,
) -> Message:
    """The record that the job writes for an event with these bytes and headers."""
    is_text = original is None or not original.startswith((b"\0", b"\xff"))
    value = {
        "original_message": original.decode() if original is not None and is_text else None,
        "error_type": "validation_error" if violations else "inference_error",
        "error_message": "as it says",
        "validation_errors": [
            {"field": field, "code": code, "message": "must be well"} for field, code in violations
        ],
        "source_topic": "raw",
        "failed_ts": "2026-11-28T04:00:00.000Z",
        "consumer_group": "group",
        "retry_count": 0,
        **({} if is_text else {"original_base64": base64.b64encode(original or b"").decode()}),
        **changed,
    }
    return Message(
        topic="dead",
        partition=0,
        offset=offset,
        key=b"key",
        value=json.dumps(value).encode(),
        headers=[*own, *SOURCE_HEADERS],
        timestamp=(1, 1764300001000),
    )
