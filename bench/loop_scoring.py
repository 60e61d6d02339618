"""Checks and scores customer events in plain Python and numpy: hand-written, for speed."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from weights import Weights

_CUSTOMER_ID = re.compile(r"[0-9]{4}-[A-Z]{5}")
_EVENT_TS = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|\+00:00)", re.ASCII
)
_AMOUNT = re.compile(r" *|[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?", re.ASCII)
_YES_NO = frozenset({"Yes", "No"})


class FastScorer:
    """The contract's rules and the model's weights, written out for this one kind of event."""

    def __init__(self, weights: Weights) -> None:
        self._tables = list(weights.categories.items())
        self._numbers = list(weights.numbers)
        self._coefficients = np.array(list(weights.numbers.values()))
        self._intercept = weights.intercept
        self._fields = frozenset(
            {*weights.categories, *weights.numbers, "customerID", "event_ts", "Churn"}
        )

    def accept(self, event: Any) -> list[float] | None:
        """The event's terms of the log odds and its numbers; None if it breaks the contract."""
        try:
            # A category that is not in the table is neither in the contract: one look-up for both.
            terms = [table[event[name]] for name, table in self._tables]
            total = event["TotalCharges"]
            if type(total) is str:
                total = _amount(total)
            numbers = {**event, "TotalCharges": total}
            is_valid = (
                _is_number(total, math.inf)
                and _is_number(event["MonthlyCharges"], 200)
                and _is_number(event["tenure"], 100)
                and _is_number(event["SeniorCitizen"], 1)
                and event["tenure"] % 1 == 0
                and event["SeniorCitizen"] % 1 == 0
                and event.get("Churn", "No") in _YES_NO
                and _CUSTOMER_ID.fullmatch(event["customerID"]) is not None
                and _EVENT_TS.fullmatch(event["event_ts"]) is not None
                and event.keys() <= self._fields
            )
            datetime.fromisoformat(event["event_ts"])
        except (KeyError, TypeError, ValueError):
            return None
        return terms + [numbers[name] for name in self._numbers] if is_valid else None

    def probabilities(self, accepted: Sequence[Sequence[float]]) -> NDArray[np.float64]:
        """Probabilities of leaving, for a batch of accepted events."""
        matrix = np.array(accepted, dtype=np.float64).reshape(
            len(accepted), len(self._tables) + len(self._numbers)
        )
        split = len(self._tables)
        log_odds = matrix[:, :split].sum(axis=1) + matrix[:, split:] @ self._coefficients
        probabilities: NDArray[np.float64] = 1 / (1 + np.exp(-log_odds - self._intercept))
        return probabilities


def _is_number(value: object, maximum: float) -> bool:
    # Not `isinstance`: True is an int by that. NaN fails both comparisons.
    is_in_range = (type(value) is float or type(value) is int) and 0 <= value <= maximum
    return is_in_range and value != math.inf


def _amount(text: str) -> float:
    if not _AMOUNT.fullmatch(text):
        raise ValueError(text)
    return float(text.strip() or 0)
