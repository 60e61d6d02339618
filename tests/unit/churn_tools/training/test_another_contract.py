"""Training for another kind of record: what is refused before Spark starts."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from churn_tools.training.command import main
from telco_churn.errors import SettingsError
from telco_churn.paths import project_home

LOANS = project_home() / "examples" / "loans" / "contracts"


def refusal(*arguments: str) -> str:
    with pytest.raises(SettingsError) as error:
        main(arguments)
    return str(error.value)


def test_only_customers_can_be_made_up(tmp_path: Path) -> None:
    said = refusal("--contract", str(LOANS), "--synthetic", "5", "--out", str(tmp_path / "model"))
    assert said == (
        f"--synthetic makes customers, who are none of --contract {LOANS}; give --csv FILE"
    )


def test_the_model_of_the_customers_is_not_replaced_by_one_of_loans() -> None:
    said = refusal("--contract", str(LOANS), "--csv", "loans.csv")
    assert said.endswith(f"name another directory for that of --contract {LOANS}")
    assert "models/churn is the customers' model" in said


def test_the_columns_are_those_of_the_contract(tmp_path: Path) -> None:
    source = tmp_path / "loans.csv"
    source.write_text("loan_id,purpose\n")
    given = ("--contract", str(LOANS), "--csv", str(source), "--out", str(tmp_path / "model"))
    assert refusal(*given) == (
        f"the first line of {source} lacks region, employment, amount, months, income, balance, "
        "missed_payments, credit_score, defaulted; needed are the fields of the contract: loan_id, "
        "purpose, region, employment, amount, months, income, balance, missed_payments, "
        "credit_score, defaulted"
    )


def test_a_contract_without_a_label_teaches_nothing(tmp_path: Path) -> None:
    contracts = Path(shutil.copytree(LOANS, tmp_path / "contracts"))
    event = contracts / "loan_event.json"
    document = json.loads(event.read_text())
    del document["properties"]["defaulted"]
    event.write_text(json.dumps(document))
    given = ("--csv", str(tmp_path / "loans.csv"), "--out", str(tmp_path / "model"))
    assert refusal("--contract", str(contracts), *given) == (
        f"contract {event}: no property has x-role 'label'; give it to the one that says what came "
        "true, an enum of two words, the positive one first"
    )
