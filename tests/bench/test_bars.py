"""Plots show the figures: the lengths of their bars are in proportion."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from bars import Chart

SVG = "{http://www.w3.org/2000/svg}"
GROUPS = {"a": {"x": 10.0, "y": 20.0}, "b & c": {"x": 40.0, "y": 100.0}}
BARS_FROM = 270.0
"""Left of it are names and the legend."""


def lengths(chart: Chart) -> list[float]:
    """Of the bars, from the top to the bottom."""
    root = ElementTree.fromstring(chart.svg())
    bars = [r.attrib for r in root.iter(f"{SVG}rect") if float(r.get("x", "0")) >= BARS_FROM]
    return [float(bar["width"]) for bar in bars]


def test_a_bar_is_as_long_as_its_figure_says() -> None:
    x, y, x2, y2 = lengths(Chart("t", GROUPS))
    assert (y / x, x2 / x, y2 / x) == pytest.approx((2, 4, 10), rel=0.01)


def test_on_a_logarithmic_scale_equal_ratios_are_equal_steps() -> None:
    x, y, x2, y2 = lengths(Chart("t", GROUPS, is_logarithmic=True))
    assert (y - x) * 3.3219 == pytest.approx(y2 - x, rel=0.01)
    assert x2 - y == pytest.approx(y - x, rel=0.01)


def test_stacked_bars_stand_behind_each_other_and_tell_their_sum() -> None:
    chart = Chart("t", GROUPS, is_stacked=True)
    root = ElementTree.fromstring(chart.svg())
    bars = [r for r in root.iter(f"{SVG}rect") if float(r.get("x", "0")) >= BARS_FROM]
    first, second = bars[:2]
    end = float(first.get("x", "")) + float(first.get("width", ""))
    assert float(second.get("x", "")) == pytest.approx(end, abs=0.1)
    assert {"30", "140"} <= {text.text for text in root.iter(f"{SVG}text")}


def test_the_same_figures_give_the_same_file() -> None:
    assert Chart("t", GROUPS).svg() == Chart("t", GROUPS).svg()
