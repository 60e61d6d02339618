from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_telemetry.drift.stability import EMPTY, records_needed, stability_index


def psi(expected: list[float], counts: list[float]) -> float:
    return stability_index(np.array(expected), np.array(counts))


def test_an_index_is_as_computed_by_hand() -> None:
    # 0.5 -> 0.4 gives -0.1 * ln 0.8, 0.3 -> 0.4 gives 0.1 * ln (4 / 3), 0.2 stays.
    assert psi([0.5, 0.3, 0.2], [40, 40, 20]) == pytest.approx(0.0223144 + 0.0287682, abs=1e-7)


def test_a_contract_that_everybody_has_gives_a_large_index() -> None:
    trained = [0.5513, 0.2094, 0.2393]
    assert psi(trained, [5513, 2094, 2393]) == pytest.approx(0, abs=1e-6)
    # (0.1 - 0.5513) ln(0.1 / 0.5513) + (0.1 - 0.2094) ln(0.1 / 0.2094) + (0.8 - 0.2393) ln(…)
    assert psi(trained, [100, 100, 800]) == pytest.approx(0.77037 + 0.08086 + 0.67675, abs=1e-4)


shares = st.lists(st.floats(0.001, 1), min_size=2, max_size=12)


@given(shares, shares)
def test_an_index_is_the_symmetric_divergence_of_both_shares(
    first: list[float], second: list[float]
) -> None:
    size = min(len(first), len(second))
    then, now = (np.array(one[:size]) / sum(one[:size]) for one in (first, second))
    # Jeffreys' divergence: that of Kullback and Leibler, both ways.
    both_ways = np.sum(now * np.log(now / then)) + np.sum(then * np.log(then / now))
    assert stability_index(then, now * 1e9) == pytest.approx(both_ways, abs=1e-9)


def test_an_empty_bin_has_a_finite_weight_and_two_of_them_have_none() -> None:
    weight = (EMPTY - 0.5) * math.log(EMPTY / 0.5)
    assert psi([0.5, 0.5], [10, 0]) == pytest.approx(weight + 0.5 * math.log(2))
    assert psi([0.5, 0.5, 0.0], [5, 5, 0]) == 0


def test_so_many_records_are_needed_that_chance_makes_little_of_an_index() -> None:
    tenths = np.full(10, 0.1)
    assert records_needed(tenths, 1_000_000) == pytest.approx(360, rel=0.01)
    assert records_needed(np.array([0.5, 0.5, 0.0]), None) == 40
    assert records_needed(tenths, 400) == pytest.approx(3600)
    assert records_needed(tenths, 300) == math.inf


def test_without_drift_an_index_of_so_many_records_is_small() -> None:
    random = np.random.default_rng(7)
    expected = np.array([0.3, 0.2, 0.1, 0.1, 0.1, 0.1, 0.05, 0.03, 0.015, 0.005])
    needed = math.ceil(records_needed(expected, 20_000))
    then = random.multinomial(20_000, expected, size=2000) / 20_000
    now = random.multinomial(needed, expected, size=2000)
    found = [stability_index(a, b) for a, b in zip(then, now.astype(float), strict=True)]
    assert np.mean(found) == pytest.approx(0.025, rel=0.2)
    assert max(found) < 0.25 / 2
