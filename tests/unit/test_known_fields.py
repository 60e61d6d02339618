"""The job knows a contract from its files alone: no field of the shipped ones is named in it."""

from __future__ import annotations

import ast
import json
import re
from typing import Any

import pytest
from sources import HOME, modules

RULES: dict[str, dict[str, Any]] = {
    name: rules
    for contract in ("customer_event", "prediction")
    for name, rules in json.loads((HOME / f"conf/contracts/{contract}.json").read_text())[
        "properties"
    ].items()
}
# A role may have the name of the field that has it.
WORDS = {"Yes", "No", *RULES} - {rules.get("x-role") for rules in RULES.values()}
# The others are words that one may need for something else, and are looked for as whole strings.
NAMES = re.compile(rf"\b({'|'.join(word for word in WORDS if re.search('_|.[A-Z]', word))})\b")
NAMED_PLACES = {
    # A column of Spark's own, in the files of a tree.
    "lib/telco_churn/model/spark_ml/saved_trees.py": {"prediction"},
}


def known_fields(tree: ast.AST) -> set[str]:
    """Fields and values of the shipped contracts that a module uses or speaks of."""
    texts = {str(node.value) for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    return (texts & WORDS) | set(NAMES.findall(ast.unparse(tree)))


def test_the_job_knows_the_fields_of_its_contracts_from_their_files_alone() -> None:
    found = {path: known_fields(tree) for path, tree in modules("lib/telco_churn").items()}
    assert {path: fields for path, fields in found.items() if fields} == NAMED_PLACES


@pytest.mark.parametrize(
    "source",
    [
        *('F.col("churn_probability")', 'x = event["gender"]', 'f"{x} customerID"', 'y = "Yes"'),
        *("def event_ts() -> None: ...", "TotalCharges = 1", '"""Reads `PaymentMethod`."""'),
    ],
)
def test_a_field_of_a_contract_is_found(source: str) -> None:
    assert known_fields(ast.parse(source))
    assert not known_fields(ast.parse('"""A contract."""\nContract = "tenured", "churn", True'))
