"""The yardstick of the benchmarks does what the job does, or its figures would mean nothing."""

from __future__ import annotations

import json
import math
from itertools import islice

import pytest
from churn_kind import CATEGORICAL_FEATURES, NUMERIC_FEATURES
from loop_scoring import FastScorer
from mutations import messages
from weights import Weights, read_weights, write_weights

from churn_tools.customers.synthetic import synthetic_customers
from churn_tools.producer.contract_validator import ContractValidator
from telco_churn.paths import read_schema

CONTRACT = read_schema("customer_event")
VALUES = {name: CONTRACT["properties"][name]["enum"] for name in CATEGORICAL_FEATURES}
WEIGHTS = Weights(
    intercept=-1.0,
    categories={
        name: {value: (place + 1) * 0.125 for place, value in enumerate(values)}
        for name, values in VALUES.items()
    },
    numbers=dict.fromkeys(NUMERIC_FEATURES, 0.01),
    threshold=0.5,
    version="by hand",
)
SCORER = FastScorer(WEIGHTS)


def verdict(message: bytes) -> bool:
    """Whether the loop would score the message."""
    try:
        event = json.loads(message.decode())
    except (ValueError, RecursionError):
        return False
    return isinstance(event, dict) and SCORER.accept(event) is not None


def test_it_scores_what_the_contract_allows_and_refuses_the_rest() -> None:
    referee = ContractValidator(CONTRACT)
    differences, valid = [], 0
    for message in islice(messages(seed=6), 4_000):
        try:
            is_valid = referee.violations(referee.parse(message)) == []
        except ValueError:
            is_valid = False
        valid += is_valid
        if message is not None and verdict(message) != is_valid:
            differences.append(message)
    assert 1_000 < valid < 3_000, "the messages must try both verdicts"
    assert differences == []


def test_log_odds_are_the_sum_of_intercept_terms_and_numbers() -> None:
    customer = next(synthetic_customers(seed=1))
    terms = SCORER.accept(customer)
    assert terms is not None
    categories = sum(WEIGHTS.categories[name][str(customer[name])] for name in VALUES)
    numbers = sum(0.01 * float(str(customer[name]).strip() or 0) for name in NUMERIC_FEATURES)
    expected = 1 / (1 + math.exp(1.0 - categories - numbers))
    assert SCORER.probabilities([terms, terms]) == pytest.approx([expected, expected])


def test_no_customers_have_no_probabilities() -> None:
    assert list(SCORER.probabilities([])) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("tenure", True), ("tenure", 5.5), ("tenure", -1), ("tenure", 101), ("tenure", None)),
        *(("MonthlyCharges", math.nan), ("MonthlyCharges", math.inf), ("SeniorCitizen", 2)),
        *(("gender", "female"), ("gender", []), ("customerID", "1-A"), ("event_ts", "today")),
        *(("TotalCharges", "x"), ("TotalCharges", -1), ("Churn", "Maybe"), ("zzz", 1)),
    ],
)
def test_a_value_that_breaks_a_rule_is_refused(field: str, value: object) -> None:
    assert SCORER.accept({**next(synthetic_customers(seed=1)), field: value}) is None


@pytest.mark.parametrize(
    ("field", "value"),
    [("TotalCharges", " "), ("TotalCharges", "29.85"), ("tenure", 5.0), ("tenure", 100)],
)
def test_an_odd_value_that_is_allowed_is_scored(field: str, value: object) -> None:
    assert SCORER.accept({**next(synthetic_customers(seed=1)), field: value}) is not None


def test_weights_are_read_as_they_were_written(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("weights") / "weights.json"
    write_weights(path, WEIGHTS)
    assert read_weights(path) == WEIGHTS
