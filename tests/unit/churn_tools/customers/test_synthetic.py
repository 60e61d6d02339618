from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import islice
from statistics import fmean, pstdev

import pytest
from jsonschema import Draft202012Validator

from churn_tools.customers.facts import churn_log_odds, customer_facts
from churn_tools.customers.synthetic import synthetic_customers
from telco_churn.paths import project_home

CUSTOMERS = 40_000
Customer = dict[str, object]


@pytest.fixture(scope="module")
def customers() -> list[Customer]:
    return list(islice(synthetic_customers(seed=5), CUSTOMERS))


def churn_rate(customers: list[Customer]) -> float:
    return fmean(customer["Churn"] == "Yes" for customer in customers)


def with_value(customers: list[Customer], field: str, value: str) -> list[Customer]:
    return [customer for customer in customers if str(customer[field]) == value]


def number(customer: Customer, field: str) -> float:
    value = customer[field]
    assert isinstance(value, int | float)
    return value


def share_of(customers: list[Customer], field: str, value: str) -> float:
    return len(with_value(customers, field, value)) / len(customers)


def test_every_event_is_valid_by_the_contract(customers: list[Customer]) -> None:
    contract = json.loads((project_home() / "conf/contracts/customer_event.json").read_text())
    validator = Draft202012Validator(contract, format_checker=Draft202012Validator.FORMAT_CHECKER)
    new = [customer for customer in customers if customer["tenure"] == 0]
    for customer in [*customers[:2_000], *new]:
        validator.validate(customer)
        assert customer.keys() == contract["properties"].keys()


def test_a_customer_id_comes_once(customers: list[Customer]) -> None:
    assert len({customer["customerID"] for customer in customers}) == CUSTOMERS


def test_the_same_seed_gives_the_same_customers_and_another_gives_others() -> None:
    def moment() -> datetime:
        return datetime(2026, 1, 2, 3, 4, 5, 678_999, tzinfo=UTC)

    first = list(islice(synthetic_customers(1, moment), 50))
    assert list(islice(synthetic_customers(1, moment), 50)) == first
    assert list(islice(synthetic_customers(2, moment), 50)) != first


def test_event_ts_is_the_clock_in_utc_with_milliseconds() -> None:
    def moment() -> datetime:
        return datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

    assert next(synthetic_customers(1, moment))["event_ts"] == "2026-01-02T03:04:05.000Z"


def test_shares_are_within_one_point_of_the_published(customers: list[Customer]) -> None:
    for field, shares in customer_facts()["shares"].items():
        for value, share in shares.items():
            found = share_of(customers, field, value)
            assert found == pytest.approx(share, abs=0.01), (field, value)


@pytest.mark.parametrize("table", list(customer_facts()["conditional_shares"]))
def test_conditional_shares_are_within_two_points_of_the_published(
    customers: list[Customer], table: str
) -> None:
    field, given = table.split(" given ")
    for known, shares in customer_facts()["conditional_shares"][table].items():
        group = with_value(customers, given, known)
        assert {str(customer[field]) for customer in group} == set(shares)
        for value, share in shares.items():
            assert share_of(group, field, value) == pytest.approx(share, abs=0.02), (known, value)


@pytest.mark.parametrize("contract", ["Month-to-month", "One year", "Two year"])
def test_tenure_quantiles_are_within_three_months_of_the_published(
    customers: list[Customer], contract: str
) -> None:
    group = with_value(customers, "Contract", contract)
    tenures = sorted(number(customer, "tenure") for customer in group)
    points = customer_facts()["tenure_quantiles"][contract]
    for step, months in enumerate(points, start=1):
        assert tenures[len(tenures) * step // 20] == pytest.approx(months, abs=3)


def test_add_ons_go_together(customers: list[Customer]) -> None:
    online = [c for c in customers if c["InternetService"] != "No"]
    for one, other in [
        ("OnlineBackup", "OnlineSecurity"),
        ("DeviceProtection", "OnlineBackup"),
        ("DeviceProtection", "TechSupport"),
        ("StreamingTV", "DeviceProtection"),
    ]:
        beside = share_of(with_value(online, other, "Yes"), one, "Yes")
        alone = share_of(with_value(online, other, "No"), one, "Yes")
        assert beside > alone + 0.1


def test_monthly_charges_follow_the_price_formula(customers: list[Customer]) -> None:
    price = customer_facts()["monthly_charges"]
    residuals = [
        number(customer, "MonthlyCharges")
        - price["base"]
        - sum(parts.get(str(customer[field]), 0.0) for field, parts in price["parts"].items())
        for customer in customers
    ]
    assert fmean(residuals) == pytest.approx(0.0, abs=0.1)
    assert pstdev(residuals) == pytest.approx(price["residual_sd"], abs=0.1)
    charges = [number(customer, "MonthlyCharges") for customer in customers]
    assert price["min"] <= min(charges) <= max(charges) <= price["max"]


def test_total_charges_are_blank_only_in_the_first_month_and_else_tenure_times_monthly(
    customers: list[Customer],
) -> None:
    new = [customer for customer in customers if customer["tenure"] == 0]
    assert {customer["TotalCharges"] for customer in new} == {" "}
    assert len(new) / CUSTOMERS == pytest.approx(11 / 7043, abs=0.001)
    ratios = [
        number(customer, "TotalCharges")
        / (number(customer, "tenure") * number(customer, "MonthlyCharges"))
        for customer in customers
        if customer["tenure"]
    ]
    assert fmean(ratios) == pytest.approx(1.0003, abs=0.003)
    assert pstdev(ratios) == pytest.approx(0.0512, abs=0.003)


def test_the_churn_rate_is_within_one_point_of_the_published(customers: list[Customer]) -> None:
    assert churn_rate(customers) == pytest.approx(customer_facts()["churn_rate"], abs=0.01)


def test_churn_rates_by_value_are_within_five_points_of_the_published(
    customers: list[Customer],
) -> None:
    for field, rates in customer_facts()["churn_rates"].items():
        for value, rate in rates.items():
            group = with_value(customers, field, value)
            assert churn_rate(group) == pytest.approx(rate, abs=0.05), (field, value)


def test_log_odds_add_the_published_coefficients() -> None:
    customer = dict(next(synthetic_customers(1)))
    customer |= {"InternetService": "DSL", "Contract": "Month-to-month", "TotalCharges": " "}
    fiber = customer | {"InternetService": "Fiber optic", "Contract": "Two year"}
    difference = churn_log_odds(fiber) - churn_log_odds(customer)
    assert difference == pytest.approx(1.7349 - 1.3802)
    assert churn_log_odds(customer | {"TotalCharges": 1000.0}) - churn_log_odds(
        customer
    ) == pytest.approx(0.32798)
