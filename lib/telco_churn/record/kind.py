"""One kind of record: what an event is, which of its fields are which, what is written of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from telco_churn.contract.schema import Contract, Field, read_contract
from telco_churn.errors import SettingsError
from telco_churn.model.features import Features
from telco_churn.record.prediction_form import PredictionForm, prediction_form
from telco_churn.record.roles import fields_by_role, two_words

_TYPES = {"id": "string", "time": "string", "label": "string"}


@dataclass(frozen=True)
class Label:
    """The field that says what came true, and the words in it for yes and no."""

    name: str
    yes: str
    no: str


@dataclass(frozen=True)
class RecordKind:
    """A kind of record.

    Attributes:
        event: the rules of what is read.
        id: what an event is about; text, required.
        time: when it was so; text, required.
        label: what came true, where the contract has a field for that. Never a feature.
        prediction: how the answer is written.
    """

    event: Contract
    id: Field
    time: Field
    label: Label | None
    prediction: PredictionForm

    @property
    def features(self) -> Features:
        """What a model may read: the fields of the event that have no role."""
        fields = [field for field in self.event.fields if field.role is None]
        return Features(
            categories=tuple(field.name for field in fields if not field.is_number),
            numbers=tuple(field.name for field in fields if field.is_number),
        )


def read_kind(directory: Path) -> RecordKind:
    """The kind of record that the contracts in a directory describe.

    Args:
        directory: has `prediction.json`, and one file whose name ends in `event.json`.

    Raises:
        SettingsError: a file is missing or cannot be used; names it, and the keyword or property.
    """
    event = read_contract(event_file(directory))
    fields = fields_by_role(event, _TYPES, optional=("label",))
    for role in ("id", "time"):
        if not fields[role].is_required:
            raise SettingsError(
                f"contract {event.name}: property {fields[role].name} has x-role {role!r} and may "
                "be missing; name it in required"
            )
    return RecordKind(
        event=event,
        id=fields["id"],
        time=fields["time"],
        label=_label(event, fields["label"]) if "label" in fields else None,
        prediction=prediction_form(read_contract(directory / "prediction.json")),
    )


def event_file(directory: Path) -> Path:
    """The JSON Schema of what is read; raises SettingsError for none, or several."""
    found = sorted(directory.glob("*event.json"))
    if len(found) != 1:
        raise SettingsError(
            f"--contract {directory} must hold one file whose name ends in event.json, the JSON "
            f"Schema of what is read; found {', '.join(path.name for path in found) or 'none'}"
        )
    return found[0]


def _label(event: Contract, field: Field) -> Label:
    return Label(field.name, *two_words(event, field))
