"""What the log says of one prediction or dead letter, read from its output topic.

Nothing that a message holds gets into a line, but its key (as `message_id`, if it is wanted), its
trace headers, and numbers that the job itself has computed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from confluent_kafka import Message

from stream_telemetry.broker.read import headers_of, object_of
from stream_telemetry.logs.backlog import RecordLine
from stream_telemetry.logs.lines import cut
from telco_churn.outcome.counted import MESSAGE, OTHER_FIELD
from telco_churn.outcome.message_ids import MessageId
from telco_churn.outcome.source_headers import LATENCY, source_of

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
_MAX_HEADER_CHARS: Final = 200
_MAX_VIOLATIONS: Final = 20


@dataclass(frozen=True)
class RecordLines:
    """Turns output records into lines.

    Attributes:
        message_id: names a record by its key.
        fields: of the contract; others are not named in a line, senders choose those.
    """

    message_id: MessageId
    fields: Collection[str]

    def prediction(self, message: Message) -> RecordLine:
        """The line of a prediction; a failure if it is not one, which would be a bug."""
        headers, value = headers_of(message), object_of(message)
        probability, decision = value.get("churn_probability"), value.get("prediction")
        if not isinstance(probability, float | int) or not 0 <= probability <= 1:
            return self._failure(message, headers, *_BAD_OUTPUT, "probability is not one", [])
        if decision not in ("Yes", "No"):
            return self._failure(message, headers, *_BAD_OUTPUT, "prediction is neither", [])
        fields = {
            "event_type": "message_processed",
            "prediction": int(decision == "Yes"),
            "churn_probability": float(probability),
        }
        text = f"prediction {decision}, churn probability {probability:.4f}"
        return self._line("success", message, headers, text, fields)

    def dead_letter(self, message: Message) -> RecordLine:
        """The line of a dead letter, with every rule that the event broke."""
        headers, value = headers_of(message), object_of(message)
        event, error = FAILURES.get(str(value.get("error_type")), _UNKNOWN)
        violations = value.get("validation_errors")
        rules = [self._rule(v) for v in violations] if isinstance(violations, list) else []
        reason = ", ".join(rules[:_MAX_VIOLATIONS]) or event.replace("_", " ")
        return self._failure(message, headers, event, error, reason, rules)

    def _rule(self, violation: Any) -> str:
        if not isinstance(violation, Mapping):
            return MESSAGE
        name, code = violation.get("field"), violation.get("code")
        field = MESSAGE if name is None else name if name in self.fields else OTHER_FIELD
        return f"{field}: {code}"

    def _failure(
        self,
        message: Message,
        headers: Mapping[str, str],
        event_type: str,
        error_type: str,
        reason: str,
        rules: list[str],
    ) -> RecordLine:
        fields: dict[str, object] = {"event_type": event_type, "error_type": error_type}
        if rules:
            fields["violations"] = rules[:_MAX_VIOLATIONS]
        source = source_of(headers) or "a record that it does not name"
        return self._line("failed", message, headers, f"{source} {reason}", fields)

    def _line(
        self,
        status: str,
        message: Message,
        headers: Mapping[str, str],
        text: str,
        fields: Mapping[str, object],
    ) -> RecordLine:
        source, key = source_of(headers), message.key()
        traces = {
            name.replace("-", "_"): cut(headers[name], _MAX_HEADER_CHARS)
            for name in TRACE_HEADERS
            if name in headers
        }
        common = {
            "message_id": self.message_id(key.encode() if isinstance(key, str) else key),
            "topic": source and source.topic,
            "partition": source and source.partition,
            "offset": source and source.offset,
            "latency_ms": _milliseconds(headers.get(LATENCY)),
        }
        return RecordLine(status, text, {**common, **fields, **traces}, source)


def _milliseconds(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None
