"""Horizontal bars as SVG: the same figures give the same file."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from churn_tools.model_card.drawing import Drawing

_COLOURS = ("#4e79a7", "#f28e2b", "#76b7b2", "#e15759", "#59a14f", "#edc948", "#b07aa1", "#9c755f")
_WIDTH, _LABELS, _FIGURES = 860, 270, 70
_BAR, _GAP, _TOP = 15, 11, 62
_LETTER = 6.6
"""Width of a usual letter of the font, for the legend."""

Groups = Mapping[str, Mapping[str, float]]
"""Figures of a row by name of the bar, by name of the row."""


@dataclass(frozen=True)
class Chart:
    """What is drawn.

    Attributes:
        title: with the unit.
        groups: each row has a bar for each of its figures.
        form: how a figure is written at the end of its bar.
        is_stacked: the bars of a row stand behind each other, with their sum at the end.
        is_logarithmic: each tenfold takes the same length.
    """

    title: str
    groups: Groups
    form: str = ",.0f"
    is_stacked: bool = False
    is_logarithmic: bool = False

    def svg(self) -> str:
        """The drawing, as a whole file."""
        heights = [_BAR * (1 if self.is_stacked else len(row)) for row in self.groups.values()]
        drawing = Drawing(_WIDTH, _TOP + sum(heights) + _GAP * len(heights))
        drawing.text(8, 20, self.title, weight="bold")
        self._draw_legend(drawing)
        y = float(_TOP)
        for (name, figures), height in zip(self.groups.items(), heights, strict=True):
            drawing.text(_LABELS - 8, y + height / 2 + 4, name, anchor="end")
            self._draw_bars(drawing, figures, y)
            y += height + _GAP
        return drawing.svg()

    @property
    def _names(self) -> Sequence[str]:
        """Of all bars, in the order in which they come."""
        return list(dict.fromkeys(name for figures in self.groups.values() for name in figures))

    def _draw_legend(self, drawing: Drawing) -> None:
        x = 8.0
        for name in self._names:
            self._draw_bar(drawing, x, 32, 12, name)
            drawing.text(x + 17, 43, name)
            x += 17 + _LETTER * len(name) + 14

    def _draw_bars(self, drawing: Drawing, figures: Mapping[str, float], y: float) -> None:
        x = float(_LABELS)
        for name, figure in figures.items():
            length = self._length(figure)
            self._draw_bar(drawing, x, y, length, name)
            if self.is_stacked:
                x += length
            else:
                drawing.text(x + length + 5, y + 12, format(figure, self.form))
                y += _BAR
        if self.is_stacked:
            drawing.text(x + 5, y + 12, format(sum(figures.values()), self.form))

    def _draw_bar(self, drawing: Drawing, x: float, y: float, length: float, name: str) -> None:
        colour = _COLOURS[self._names.index(name) % len(_COLOURS)]
        drawing.bar(x, y, length, _BAR - 2, colour)

    def _length(self, figure: float) -> float:
        rows = self.groups.values()
        room = _WIDTH - _LABELS - _FIGURES
        if self.is_stacked:
            return room * figure / max(sum(figures.values()) for figures in rows)
        all_of_them = [figure for figures in rows for figure in figures.values()]
        if not self.is_logarithmic:
            return room * figure / max(all_of_them)
        # The shortest bar still has a third of a tenfold.
        low, high = math.log10(min(all_of_them)) - 1 / 3, math.log10(max(all_of_them))
        return room * (math.log10(figure) - low) / (high - low)
