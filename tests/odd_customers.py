"""Customers whom a model was not fitted to, and what counts as the same score."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import islice
from random import Random

from churn_kind import CATEGORICAL_FEATURES, NUMERIC_FEATURES

from churn_tools.customers.synthetic import synthetic_customers

Customer = dict[str, object]

ODD_CATEGORIES = (None, "", "no", "Satellite", "No ", "__unknown")
ODD_NUMBERS = (None, "nan", "inf", "-inf", "-0.0", -1, 1e-300, 1e6, 1e308)


def odd_customers(count: int) -> Iterator[Customer]:
    """Customers in whom one value, or several, are such that the contract would refuse them."""
    random = Random(1)
    for customer in islice(synthetic_customers(seed=3), count):
        odd = dict(customer)
        for _ in range(random.choice((1, 2, 10))):
            if random.choice((True, False)):
                odd[random.choice(CATEGORICAL_FEATURES)] = random.choice(ODD_CATEGORIES)
            else:
                odd[random.choice(NUMERIC_FEATURES)] = random.choice(ODD_NUMBERS)
        yield odd


def is_same(compiled: float | None, transformed: float | None) -> bool:
    if compiled is None or transformed is None:
        return compiled is transformed
    if math.isnan(transformed):
        return math.isnan(compiled)
    # Below 1e-3 the stages' own result has no more digits: they take it from 1.
    return math.isclose(compiled, transformed, rel_tol=1e-12, abs_tol=3e-16)
