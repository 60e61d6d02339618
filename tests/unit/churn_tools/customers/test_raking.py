from __future__ import annotations

from collections import Counter
from itertools import product
from random import Random

import pytest

from churn_tools.customers.raking import (
    ConditionalDraw,
    Margin,
    Table,
    margin_of,
    quantile,
    rake,
)


def test_a_raked_table_has_the_given_margins() -> None:
    prior: Table = dict.fromkeys(product("ab", "xy"), 1.0)
    table = rake(prior, [((0,), {("a",): 0.3, ("b",): 0.7}), ((1,), {("x",): 0.9, ("y",): 0.1})])
    assert margin_of(table, (0,)) == pytest.approx({("a",): 0.3, ("b",): 0.7})
    assert margin_of(table, (1,)) == pytest.approx({("x",): 0.9, ("y",): 0.1})


def test_raking_keeps_the_odds_ratio_of_the_prior() -> None:
    prior: Table = {("a", "x"): 4.0, ("a", "y"): 1.0, ("b", "x"): 1.0, ("b", "y"): 2.0}
    even: list[Margin] = [((0,), {("a",): 0.5, ("b",): 0.5}), ((1,), {("x",): 0.6, ("y",): 0.4})]
    table = rake(prior, even)
    odds_ratio = table["a", "x"] * table["b", "y"] / (table["a", "y"] * table["b", "x"])
    assert odds_ratio == pytest.approx(8.0)


def test_a_cell_that_a_margin_does_not_name_is_left_out() -> None:
    prior: Table = dict.fromkeys(product("ab", "xy"), 1.0)
    assert set(rake(prior, [((0, 1), {("a", "x"): 0.5, ("b", "y"): 0.5})])) == {
        ("a", "x"),
        ("b", "y"),
    }


def test_a_draw_follows_the_shares_beside_what_is_known() -> None:
    draw = ConditionalDraw({("a", "x"): 0.1, ("a", "y"): 0.3, ("b", "x"): 0.6}, given=1)
    random = Random(1)
    drawn = Counter(draw(random, "a") for _ in range(4_000))
    assert drawn["y",] / 4_000 == pytest.approx(0.75, abs=0.03)
    assert draw(random, "b") == ("x",)


@pytest.mark.parametrize(
    ("share", "value"), [(0.0, 0.0), (0.125, 5.0), (0.25, 10.0), (0.5, 20.0), (1.0, 50.0)]
)
def test_quantile_is_linear_between_its_points(share: float, value: float) -> None:
    assert quantile([10, 20, 40], 0, 50, share) == pytest.approx(value)
