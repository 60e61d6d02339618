"""A directory of contracts: what is taken from it, and what is said of one that cannot be used."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from churn_kind import CHURN, CONTRACTS

from telco_churn.errors import SettingsError
from telco_churn.record.kind import Label, RecordKind, read_kind

Properties = dict[str, dict[str, Any]]
Change = Callable[[dict[str, Any]], None]

EVENT: Properties = {
    "machine": {"x-role": "id", "type": "string"},
    "read_at": {"x-role": "time", "type": "string", "format": "date-time"},
    "site": {"type": "string", "enum": ["north", "south"]},
    "heat": {"type": "number"},
    "load": {"oneOf": [{"type": "number"}, {"type": "string", "x-blank": 0}]},
    "failed": {"x-role": "label", "type": "string", "enum": ["yes", "no"]},
}
PREDICTION: Properties = {
    "model": {"x-role": "model_version", "type": "string"},
    "verdict": {"x-role": "decision", "type": "string", "enum": ["stop", "run"]},
    "risk": {"x-role": "probability", "type": "number"},
    "machine": {"x-role": "id", "type": "string"},
    "read_at": {"x-role": "time", "type": "string"},
    "judged_at": {"x-role": "scored_time", "type": "string"},
    "took": {"x-role": "latency_ms", "type": "number"},
}


def written(directory: Path, event: object, prediction: object) -> Path:
    directory.mkdir(exist_ok=True)
    (directory / "machine_event.json").write_text(json.dumps(event))
    (directory / "prediction.json").write_text(json.dumps(prediction))
    return directory


def contract(properties: Properties) -> dict[str, Any]:
    copied = json.loads(json.dumps(properties))
    return {"type": "object", "required": ["machine", "read_at"], "properties": copied}


def kind_of(directory: Path) -> RecordKind:
    return read_kind(written(directory, contract(EVENT), contract(PREDICTION)))


def test_a_kind_is_what_its_files_say(tmp_path: Path) -> None:
    kind = kind_of(tmp_path)
    assert (kind.id.name, kind.time.name) == ("machine", "read_at")
    assert kind.label == Label("failed", yes="yes", no="no")
    assert kind.features.categories == ("site",)
    assert kind.features.numbers == ("heat", "load")
    assert (kind.prediction.yes, kind.prediction.no) == ("stop", "run")


def test_a_prediction_has_the_order_of_its_contract(tmp_path: Path) -> None:
    assert list(kind_of(tmp_path).prediction.names.values()) == list(PREDICTION)


def test_the_shipped_contracts_keep_the_names_of_the_guide() -> None:
    assert (CHURN.id.name, CHURN.time.name) == ("customerID", "event_ts")
    assert CHURN.label == Label("Churn", yes="Yes", no="No")
    assert (CHURN.prediction.yes, CHURN.prediction.no) == ("Yes", "No")
    assert list(CHURN.prediction.names.values()) == [
        *("customerID", "churn_probability", "prediction", "event_ts", "processed_ts"),
        *("model_version", "inference_latency_ms"),
    ]


def test_a_label_may_be_left_out(tmp_path: Path) -> None:
    event = contract(EVENT)
    del event["properties"]["failed"]
    assert read_kind(written(tmp_path, event, contract(PREDICTION))).label is None


def without(name: str) -> Change:
    return lambda contract: contract["properties"].pop(name)


def with_rules(name: str, **rules: object) -> Change:
    """Other rules for a property; `x_role` is written with a hyphen."""
    renamed = {key.replace("_", "-"): value for key, value in rules.items()}
    return lambda contract: contract["properties"].setdefault(name, {}).update(renamed)


def renamed(name: str, other: str) -> Change:
    return lambda contract: contract["properties"].update({other: contract["properties"].pop(name)})


def not_required(contract: dict[str, Any]) -> None:
    contract["required"] = []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            with_rules("machine", x_role="idd"),
            "property machine: x-role 'idd' is not known; use one of id, time, label",
        ),
        (
            with_rules("site", x_role="id"),
            "property site: x-role 'id' is machine's already; leave it to one",
        ),
        (
            with_rules("heat", x_role="label"),
            "property heat: x-role 'label' wants type string, not number",
        ),
        (with_rules("machine", x_role=1), "property machine: x-role is 1, must be text"),
        (
            with_rules("load", x_role="label"),
            "property load: oneOf must stand alone",
        ),
        (
            with_rules("failed", enum=["yes", "no", "perhaps"]),
            "property failed: x-role 'label' wants an enum of two words, the positive one first, "
            "not ['yes', 'no', 'perhaps']",
        ),
        (not_required, "property machine has x-role 'id' and may be missing; name it in required"),
        (with_rules("heat", x_blank=1), "property heat: keyword 'x-blank' is not supported"),
        (with_rules("heat", minLength=1), "property heat: keyword 'minLength' is not supported"),
        (
            with_rules("Heat", type="number"),
            "properties heat and Heat differ in capitals only, which Spark does not tell apart",
        ),
    ],
)
def test_an_event_that_cannot_be_used_is_named_with_file_and_property(
    tmp_path: Path, change: Change, said: str
) -> None:
    event = contract(EVENT)
    change(event)
    with pytest.raises(SettingsError) as refusal:
        read_kind(written(tmp_path, event, contract(PREDICTION)))
    assert str(refusal.value).startswith(f"contract {tmp_path / 'machine_event.json'}: {said}")


@pytest.mark.parametrize("role", ["id", "time"])
def test_an_event_without_id_or_time_says_what_to_do(tmp_path: Path, role: str) -> None:
    event = contract(EVENT)
    for rules in event["properties"].values():
        if rules.get("x-role") == role:
            del rules["x-role"]
    with pytest.raises(SettingsError, match=f"no property has x-role '{role}'; give it to one of"):
        read_kind(written(tmp_path, event, contract(PREDICTION)))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        *(
            (
                without(name),
                f"no property has x-role {rules['x-role']!r}; give it to one of type "
                f"{rules['type']}",
            )
            for name, rules in PREDICTION.items()
        ),
        (
            with_rules("more", type="string"),
            "property more has no x-role, so nothing would fill it; leave it out, or say one of id",
        ),
        (
            with_rules("verdict", enum=["stop"]),
            "property verdict: x-role 'decision' wants an enum of two words",
        ),
        (
            with_rules("verdict", enum=["stop", "stop"]),
            "property verdict: x-role 'decision' wants an enum of two words",
        ),
        (
            with_rules("risk", type="string"),
            "property risk: x-role 'probability' wants type number, not string",
        ),
        *(
            (
                renamed("risk", name),
                f"property {name}: lines of the log have another field of this name; rename it",
            )
            for name in ("topic", "level", "name", "message", "batch_id", "latency_ms")
        ),
    ],
)
def test_predictions_that_cannot_be_written_are_refused_with_file_and_property(
    tmp_path: Path, change: Change, said: str
) -> None:
    prediction = contract(PREDICTION)
    prediction["required"] = []
    change(prediction)
    with pytest.raises(SettingsError) as refusal:
        read_kind(written(tmp_path, contract(EVENT), prediction))
    assert str(refusal.value).startswith(f"contract {tmp_path / 'prediction.json'}: {said}")


@pytest.mark.parametrize("name", ["event.json", "another_event.json"])
def test_two_files_of_events_are_one_too_many(tmp_path: Path, name: str) -> None:
    kind_of(tmp_path)
    (tmp_path / name).write_text("{}")
    with pytest.raises(SettingsError, match=f"must hold one file.*found {name}, machine_|, {name}"):
        read_kind(tmp_path)


def test_a_directory_that_is_not_there_holds_none(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"must hold one file whose name .*; found none"):
        read_kind(tmp_path / "elsewhere")


def test_a_file_that_is_missing_or_no_json_is_named(tmp_path: Path) -> None:
    kind_of(tmp_path)
    source = tmp_path / "prediction.json"
    source.write_text("{")
    with pytest.raises(SettingsError, match=f"contract {source} cannot be read"):
        read_kind(tmp_path)
    source.unlink()
    with pytest.raises(SettingsError, match=rf"contract {source} cannot be read.*--contract"):
        read_kind(tmp_path)


def test_dead_letters_are_the_same_for_every_kind() -> None:
    assert {path.name for path in CONTRACTS.glob("*.json")} == {
        *("customer_event.json", "prediction.json", "label.json", "dead_letter.json"),
    }
