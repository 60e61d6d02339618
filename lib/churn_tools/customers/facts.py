"""Published figures of the public Telco customer set, from `customer_facts.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import TypedDict, cast

ByValue = dict[str, dict[str, float]]  # field -> value -> figure


class MonthlyChargesFacts(TypedDict):
    """USD a month: `base`, plus the part of each booked service, plus a normal residual."""

    base: float
    parts: ByValue
    residual_sd: float
    min: float
    max: float


class TotalChargesFacts(TypedDict):
    """Total charges are tenure × monthly charges × a normal ratio; blank in the first month."""

    ratio_mean: float
    ratio_sd: float
    blank_customers: int


class ChurnLogOdds(TypedDict):
    """Logistic regression fitted to the public set; a value without an entry counts 0."""

    intercept: float
    numbers: dict[str, float]
    categories: ByValue


class CustomerFacts(TypedDict):
    """All figures; shares and rates are 0-1, tenures are months, amounts are USD."""

    about: str
    customers: int
    churn_rate: float
    shares: ByValue
    churn_rates: ByValue
    conditional_shares: dict[str, ByValue]  # "B given A" -> value of A -> value of B -> share
    tenure_quantiles: dict[str, list[float]]  # by contract, at 5 %, 10 % … 95 %
    monthly_charges: MonthlyChargesFacts
    total_charges: TotalChargesFacts
    churn_log_odds: ChurnLogOdds


@cache
def customer_facts() -> CustomerFacts:
    """The published figures, read once."""
    text = files(__package__).joinpath("customer_facts.json").read_text(encoding="utf-8")
    return cast(CustomerFacts, json.loads(text))


def churn_log_odds(customer: Mapping[str, object]) -> float:
    """Log odds that a customer leaves, by the published regression; blank TotalCharges count 0."""
    odds = customer_facts()["churn_log_odds"]
    total = odds["intercept"]
    for field, weight in odds["numbers"].items():
        total += weight * float(str(customer[field]).strip() or 0)
    for field, weights in odds["categories"].items():
        total += weights.get(str(customer[field]), 0.0)
    return total
