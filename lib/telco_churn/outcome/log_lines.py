"""What the log says of one prediction or dead letter, read from its output topic.

Nothing that a message holds gets into a line, but its key or its id (as `message_id`, if it is
wanted), its trace headers, and numbers that the job itself has computed.
"""

from __future__ import annotations

import base64
import json
import logging
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from confluent_kafka import Message

from stream_telemetry.broker.read import RecordAddress, headers_of, object_of
from stream_telemetry.logs.backlog import RecordLine
from stream_telemetry.logs.lines import cut
from telco_churn.contract.framing import FRAME_BYTES
from telco_churn.contract.patterns import translated
from telco_churn.outcome.counted import MESSAGE, OTHER_FIELD
from telco_churn.outcome.message_ids import MessageId
from telco_churn.outcome.source_headers import LATENCY, is_from, source_of
from telco_churn.record.kind import RecordKind

TRACE_HEADERS: Final = ("traceparent", "tracestate", "b3", "x-request-id")
"""Headers that are copied into the line: W3C Trace Context, B3, and a usual request id."""
FAILURES: Final = {
    "validation_error": ("validation_failure", "schema_validation"),
    "processing_error": ("transformation_failure", "feature_transformation"),
    "inference_error": ("inference_failure", "model_inference"),
}
"""Event type and error type of the log, by the dead letter's error type."""
_UNKNOWN: Final = ("processing_exception", "unknown_error")
_BAD_OUTPUT: Final = ("output_validation_failure", "schema_validation")
_REFUSED_INPUT: Final = "validation_failure"
"""The one failure that is the sender's, and so only a warning."""
_MAX_HEADER_CHARS: Final = 200
_MAX_VIOLATIONS: Final = 20


@dataclass(frozen=True)
class RecordLines:
    """Turns output records into lines; ask `is_ours` of each first.

    A record without the headers that name its source, or with those of another input topic, has
    been written by another program: topics may be shared.

    Attributes:
        input_topic: that the job reads.
        message_id: names a record by its key, or by its id where the key is null.
        fields: of the contract; other names are the senders' choice, and stay out of a line.
        kind: which field the id is and what one looks like, as nothing else is taken from a refused
            message; and how predictions are written.
    """

    input_topic: str
    message_id: MessageId
    fields: Collection[str]
    kind: RecordKind

    def is_ours(self, message: Message) -> bool:
        """Whether this job has written the record."""
        if is_from(message.headers(), self.input_topic.encode()):
            return True
        source = source_of(headers_of(message))
        return source is not None and source.topic == self.input_topic

    def prediction(self, message: Message) -> RecordLine:
        """The line of a prediction; a failure if it is not one, which would be a bug."""
        answer, form = self._read(message), self.kind.prediction
        decided, scored = form.names["decision"], form.names["probability"]
        decision, probability = answer.value.get(decided), answer.value.get(scored)
        if not isinstance(probability, float | int) or not 0 <= probability <= 1:
            return self._failure(answer, *_BAD_OUTPUT, "probability is not one", [])
        if decision not in (form.yes, form.no):
            return self._failure(answer, *_BAD_OUTPUT, f"{_words(decided)} is neither", [])
        fields = {
            "event_type": "message_processed",
            decided: int(decision == form.yes),
            scored: float(probability),
        }
        text = f"{_words(decided)} {decision}, {_words(scored)} {probability:.4f}"
        return self._line("success", logging.INFO, answer, text, fields)

    def dead_letter(self, message: Message) -> RecordLine:
        """The line of a dead letter, with every rule that the event broke."""
        answer = self._read(message)
        event, error = FAILURES.get(str(answer.value.get("error_type")), _UNKNOWN)
        violations = answer.value.get("validation_errors")
        rules = [self._rule(v) for v in violations] if isinstance(violations, list) else []
        reason = ", ".join(rules[:_MAX_VIOLATIONS]) or event.replace("_", " ")
        return self._failure(answer, event, error, reason, rules)

    def _read(self, message: Message) -> _Answer:
        headers, key = headers_of(message), message.key()
        key = key.encode() if isinstance(key, str) else key
        return _Answer(key, headers, object_of(message), source_of(headers))

    def _rule(self, violation: Any) -> str:
        if not isinstance(violation, Mapping):
            return MESSAGE
        name, code = violation.get("field"), violation.get("code")
        field = MESSAGE if name is None else name if name in self.fields else OTHER_FIELD
        return f"{field}: {code}"

    def _id(self, value: Mapping[str, Any]) -> bytes | None:
        kind = self.kind
        found = value.get(kind.prediction.names["id"]) or _original(value).get(kind.id.name)
        # The contract's own pattern, so that both mean the same by an id.
        pattern = translated(kind.id.rules.get("pattern", ""))
        if not isinstance(found, str) or not re.search(pattern, found):
            return None
        return found.encode("utf-8", "backslashreplace")

    def _failure(
        self, answer: _Answer, event_type: str, error_type: str, reason: str, rules: list[str]
    ) -> RecordLine:
        fields: dict[str, object] = {"event_type": event_type, "error_type": error_type}
        if rules:
            fields["violations"] = rules[:_MAX_VIOLATIONS]
        level = logging.WARNING if event_type == _REFUSED_INPUT else logging.ERROR
        source = answer.source or "a record that it does not name"
        return self._line("failed", level, answer, f"{source} {reason}", fields)

    def _line(
        self,
        status: str,
        level: int,
        answer: _Answer,
        text: str,
        fields: Mapping[str, object],
    ) -> RecordLine:
        source = answer.source
        common = {
            "message_id": self.message_id(answer.key or self._id(answer.value)),
            "topic": source and source.topic,
            "partition": source and source.partition,
            "offset": source and source.offset,
            "latency_ms": _milliseconds(answer.headers.get(LATENCY)),
        }
        traces = {
            name.replace("-", "_"): cut(answer.headers[name], _MAX_HEADER_CHARS)
            for name in TRACE_HEADERS
            if name in answer.headers
        }
        return RecordLine(status, level, text, {**common, **fields, **traces}, source)


@dataclass(frozen=True)
class _Answer:
    """A record of an output topic, and the address of the event that it answers."""

    key: bytes | None
    headers: Mapping[str, str]
    value: Mapping[str, Any]
    source: RecordAddress | None


def _original(letter: Mapping[str, Any]) -> dict[str, Any]:
    """The message in a dead letter, if it is a JSON object; without a schema's id before it."""
    text, encoded = letter.get("original_message"), letter.get("original_base64")
    try:
        event = json.loads(
            text if isinstance(text, str) else base64.b64decode(encoded or "")[FRAME_BYTES:]
        )
    # A refused message may be nested deeper than Python's parser goes.
    except (TypeError, ValueError, RecursionError):
        return {}
    return event if isinstance(event, dict) else {}


def _words(name: str) -> str:
    return name.replace("_", " ")


def _milliseconds(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None
