"""What a prediction looks like: names and order of its fields, and the words for yes and no."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from telco_churn.contract.schema import Contract
from telco_churn.errors import SettingsError
from telco_churn.record.roles import fields_by_role, two_words

_TYPES = {
    "id": "string",
    "time": "string",
    "probability": "number",
    "decision": "string",
    "scored_time": "string",
    "model_version": "string",
    "latency_ms": "number",
}
# Decision and probability are fields of a log line too, beside those that every line has.
_TAKEN = {
    *vars(logging.makeLogRecord({})),
    *("message", "asctime", "timestamp", "level", "logger", "function", "line"),
    *("query", "run_id", "batch_id", "message_id", "topic", "partition", "offset", "latency_ms"),
    *("event_type", "error_type", "violations", "traceparent", "tracestate", "b3", "x_request_id"),
}


@dataclass(frozen=True)
class PredictionForm:
    """How a prediction is written.

    Attributes:
        names: of the fields by their roles, in the order in which they are written: `id` and
            `time` of the event, `probability`, `decision`, `scored_time`, `model_version`,
            `latency_ms`.
        yes: the decision when the probability reaches the model's threshold.
        no: the decision below it.
    """

    names: Mapping[str, str]
    yes: str
    no: str


def prediction_form(contract: Contract) -> PredictionForm:
    """What the contract of predictions asks for.

    Raises:
        SettingsError: a property has no role, so that nothing could fill it, or a role has no
            property; a name cannot be used.
    """
    for field in contract.fields:
        if field.role is None:
            raise SettingsError(
                f"contract {contract.name}: property {field.name} has no x-role, so nothing would "
                f"fill it; leave it out, or say one of {', '.join(_TYPES)}"
            )
    fields = fields_by_role(contract, _TYPES)
    for role in ("decision", "probability"):
        if fields[role].name in _TAKEN:
            raise SettingsError(
                f"contract {contract.name}: property {fields[role].name}: lines of the log have "
                "another field of this name; rename it"
            )
    yes, no = two_words(contract, fields["decision"])
    return PredictionForm({role: field.name for role, field in fields.items()}, yes, no)
