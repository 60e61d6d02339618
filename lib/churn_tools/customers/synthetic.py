"""An endless stream of synthetic customers that look like the public Telco customer set.

Each customer is a chain of draws from joint tables that agree with every published share and
conditional share (`raking.py`), then tenure by contract, charges by the price formula, and a
label by the published regression (`facts.py`).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import cache
from itertools import product
from random import Random
from statistics import fmean, pstdev

from churn_tools.customers.facts import churn_log_odds, customer_facts
from churn_tools.customers.raking import (
    Cell,
    ConditionalDraw,
    Margin,
    Table,
    margin_of,
    quantile,
    rake,
)
from stream_telemetry.timestamps import iso_utc

_HOUSEHOLD = ("SeniorCitizen", "Partner", "Dependents", "InternetService", "Contract")
_BASIC_ADD_ONS = ("OnlineSecurity", "TechSupport")
_BILLING = ("InternetService", "Contract", "PaymentMethod", *_BASIC_ADD_ONS)
_OTHER_ADD_ONS = ("OnlineBackup", "DeviceProtection", "StreamingTV", "StreamingMovies")
_ADD_ONS = ("InternetService", *_BASIC_ADD_ONS, *_OTHER_ADD_ONS)
_ATTACHING = ("Partner", "MultipleLines", *_BASIC_ADD_ONS, *_OTHER_ADD_ONS)

# The published shares say nothing of these associations. Chosen so that the churn rates by value
# come near the published ones: how much likelier two add-ons are booked together than apart, a
# partner or dependents go with one more step of contract, and how closely tenure within a contract
# follows the number of things booked.
_ADD_ON_AFFINITY = 0.45
_FAMILY_AFFINITY = 0.45
_TENURE_CORRELATION = 0.7

_LONGEST_TENURE = 72.0
_PILOT_CUSTOMERS = 4_000
_ID_DIGITS = 10**4
_IDS = _ID_DIGITS * 26**5
_ID_STRIDE = 73_429_737_593  # coprime to _IDS, so that every ID comes once before one comes twice

Clock = Callable[[], datetime]
Services = dict[str, str]


def utc_now() -> datetime:
    """The present moment."""
    return datetime.now(UTC)


def synthetic_customers(seed: int, clock: Clock = utc_now) -> Iterator[dict[str, object]]:
    """Customer events without end, valid by the contract and with their true label `Churn`.

    Args:
        seed: the same seed gives the same customers, except for `event_ts`.
        clock: tells `event_ts`; called once for each event; must give UTC.
    """
    random = Random(seed)
    population = _population()
    number = random.randrange(_IDS)
    while True:
        number = (number + _ID_STRIDE) % _IDS
        yield {
            "customerID": _customer_id(number),
            **population.customer(random),
            "event_ts": iso_utc(clock()),
        }


class _Population:
    """Everything that a customer is drawn from."""

    def __init__(self) -> None:
        facts = customer_facts()
        self._price = facts["monthly_charges"]
        self._total = facts["total_charges"]
        self._quantiles = facts["tenure_quantiles"]
        self._new_share = self._total["blank_customers"] / facts["customers"]
        billing = rake(_prior(_BILLING), _margins(_BILLING))
        basics = margin_of(billing, (0, 3, 4))
        add_ons = rake(_add_on_prior(), [*_margins(_ADD_ONS), ((0, 1, 2), basics)])
        self._gender = ConditionalDraw({(v,): p for v, p in facts["shares"]["gender"].items()}, 0)
        self._household = ConditionalDraw(rake(_household_prior(), _margins(_HOUSEHOLD)), 0)
        self._billing = ConditionalDraw(billing, 2)
        self._add_ons = ConditionalDraw(add_ons, 3)
        self._lines = ConditionalDraw(_joint("MultipleLines", "InternetService"), 1)
        self._paperless = ConditionalDraw(_joint("PaperlessBilling", "InternetService"), 1)
        # A generator of its own, so that the customers depend on the caller's seed alone.
        self._attachment_scale = self._pilot(Random(0))

    def customer(self, random: Random) -> dict[str, object]:
        """All fields of one customer but the ID and the time."""
        services = self._services(random)
        tenure = self._tenure(random, services)
        monthly = self._monthly_charges(random, services)
        ratio = random.gauss(self._total["ratio_mean"], self._total["ratio_sd"])
        customer: dict[str, object] = {
            **services,
            "SeniorCitizen": int(services["SeniorCitizen"]),
            "tenure": tenure,
            "MonthlyCharges": monthly,
            "TotalCharges": round(tenure * monthly * ratio, 2) if tenure else " ",
        }
        is_leaving = random.random() < 1 / (1 + math.exp(-churn_log_odds(customer)))
        customer["Churn"] = "Yes" if is_leaving else "No"
        return customer

    def _services(self, random: Random) -> Services:
        (gender,) = self._gender(random)
        senior, partner, dependents, internet, contract = self._household(random)
        payment, security, support = self._billing(random, internet, contract)
        backup, device, tv, movies = self._add_ons(random, internet, security, support)
        (lines,) = self._lines(random, internet)
        (paperless,) = self._paperless(random, internet)
        return {
            "gender": gender,
            "SeniorCitizen": senior,
            "Partner": partner,
            "Dependents": dependents,
            "PhoneService": "No" if lines == "No phone service" else "Yes",
            "MultipleLines": lines,
            "InternetService": internet,
            "OnlineSecurity": security,
            "OnlineBackup": backup,
            "DeviceProtection": device,
            "TechSupport": support,
            "StreamingTV": tv,
            "StreamingMovies": movies,
            "Contract": contract,
            "PaperlessBilling": paperless,
            "PaymentMethod": payment,
        }

    def _tenure(self, random: Random, services: Services) -> int:
        """Months, distributed as published for the contract; longer for who booked much."""
        if random.random() < self._new_share:
            return 0
        mean, deviation = self._attachment_scale[_attachment_group(services)]
        attachment = (_attachment(services) - mean) / deviation
        noise = random.gauss(0, math.sqrt(1 - _TENURE_CORRELATION**2))
        share = _normal_cdf(_TENURE_CORRELATION * attachment + noise)
        points = self._quantiles[services["Contract"]]
        # 0 months are for new customers alone, who were drawn above.
        return max(1, round(quantile(points, points[0] / 2, _LONGEST_TENURE, share)))

    def _monthly_charges(self, random: Random, services: Services) -> float:
        price = self._price["base"] + random.gauss(0, self._price["residual_sd"])
        for field, parts in self._price["parts"].items():
            price += parts.get(services[field], 0.0)
        in_range = min(max(price, self._price["min"]), self._price["max"])
        return round(round(in_range * 20) / 20, 2)  # the public set has steps of five cents

    def _pilot(self, random: Random) -> dict[Cell, tuple[float, float]]:
        """Mean and deviation of the attachment in each group, from a sample."""
        seen: dict[Cell, list[int]] = defaultdict(list)
        for _ in range(_PILOT_CUSTOMERS):
            services = self._services(random)
            seen[_attachment_group(services)].append(_attachment(services))
        return {group: (fmean(values), pstdev(values)) for group, values in seen.items()}


@cache
def _population() -> _Population:
    return _Population()


def _attachment(services: Services) -> int:
    """How many things tie a customer to the company, beyond the contract."""
    booked = sum([services[field] == "Yes" for field in _ATTACHING])
    return booked + ("automatic" in services["PaymentMethod"])


def _attachment_group(services: Services) -> Cell:
    return (services["Contract"],)


def _joint(field: str, given: str) -> Table:
    """The published joint shares of two fields, as cells (given, field)."""
    facts = customer_facts()
    by_given = facts["conditional_shares"][f"{field} given {given}"]
    return {
        (known, value): facts["shares"][given][known] * share
        for known, row in by_given.items()
        for value, share in row.items()
    }


def _margins(fields: Sequence[str]) -> list[Margin]:
    """Every published pair of shares that lies within the fields."""
    pairs = (name.split(" given ") for name in customer_facts()["conditional_shares"])
    return [
        ((fields.index(given), fields.index(field)), _joint(field, given))
        for field, given in pairs
        if field in fields and given in fields
    ]


def _prior(fields: Sequence[str]) -> Table:
    shares = customer_facts()["shares"]
    return dict.fromkeys(product(*(shares[field] for field in fields)), 1.0)


def _add_on_prior() -> Table:
    def weight(cell: Cell) -> float:
        """The more, the more pairs of add-ons are booked together."""
        booked = cell.count("Yes")
        return math.exp(_ADD_ON_AFFINITY * booked * (booked - 1) / 2)

    return {cell: weight(cell) for cell in _prior(_ADD_ONS)}


def _household_prior() -> Table:
    steps = list(customer_facts()["shares"]["Contract"])

    def weight(cell: Cell) -> float:
        """The more, the longer the contract of a customer with a family."""
        return math.exp(_FAMILY_AFFINITY * cell[1:3].count("Yes") * steps.index(cell[4]))

    return {cell: weight(cell) for cell in _prior(_HOUSEHOLD)}


def _normal_cdf(value: float) -> float:
    return (1 + math.erf(value / math.sqrt(2))) / 2


def _customer_id(number: int) -> str:
    letters, digits = divmod(number, _ID_DIGITS)
    name = ""
    for _ in range(5):
        letters, letter = divmod(letters, 26)
        name += chr(ord("A") + letter)
    return f"{digits:04d}-{name}"
