"""What predictions and labels of one kind look like, by the contracts of a directory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from telco_churn.contract.schema import Contract, read_contract
from telco_churn.record.kind import Label
from telco_churn.record.prediction_form import PredictionForm, prediction_form
from telco_churn.record.roles import fields_by_role, two_words

_TYPES = {"id": "string", "label": "string", "time": "string"}


@dataclass(frozen=True)
class LabelKind:
    """A kind of labels, and the predictions that they are about.

    Attributes:
        predictions: the rules of a prediction.
        form: how one is written.
        labels: the rules of a label.
        names: of its fields by their roles: `id`, `label` and, if there is one, `time`.
        label: the words for yes and no.
    """

    predictions: Contract
    form: PredictionForm
    labels: Contract
    names: Mapping[str, str]
    label: Label

    @property
    def fields(self) -> tuple[str, ...]:
        """Fields of both contracts, each once."""
        every = (*self.labels.fields, *self.predictions.fields)
        return tuple(dict.fromkeys(field.name for field in every))


def read_label_kind(directory: Path) -> LabelKind:
    """The kind of label that the contracts in a directory describe.

    Args:
        directory: has `prediction.json` and `label.json`.

    Raises:
        SettingsError: a file is missing or cannot be used; names it, and the keyword or property.
    """
    predictions = read_contract(directory / "prediction.json")
    labels = read_contract(directory / "label.json")
    fields = fields_by_role(labels, _TYPES, optional=("time",))
    return LabelKind(
        predictions=predictions,
        form=prediction_form(predictions),
        labels=labels,
        names={role: field.name for role, field in fields.items()},
        label=Label(fields["label"].name, *two_words(labels, fields["label"])),
    )
