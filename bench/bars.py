"""Horizontal bars as SVG: the same figures give the same file."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

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
        shapes, y = [_text(8, 20, self.title, "bold"), *self._legend()], float(_TOP)
        for name, figures in self.groups.items():
            height = _BAR * (1 if self.is_stacked else len(figures))
            shapes.append(_text(_LABELS - 8, y + height / 2 + 4, name, anchor="end"))
            shapes += self._bars(figures, y)
            y += height + _GAP
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{y:.0f}" '
                f'viewBox="0 0 {_WIDTH} {y:.0f}" '
                'font-family="sans-serif" font-size="12" fill="#222">',
                f'<rect width="{_WIDTH}" height="{y:.0f}" fill="#fff"/>',
                *shapes,
                "</svg>\n",
            ]
        )

    @property
    def _names(self) -> Sequence[str]:
        """Of all bars, in the order in which they come."""
        return list(dict.fromkeys(name for figures in self.groups.values() for name in figures))

    def _legend(self) -> list[str]:
        shapes, x = [], 8.0
        for name in self._names:
            shapes += [self._bar(x, 32, 12, name), _text(x + 17, 43, name)]
            x += 17 + _LETTER * len(name) + 14
        return shapes

    def _bars(self, figures: Mapping[str, float], y: float) -> list[str]:
        shapes, x = [], float(_LABELS)
        for name, figure in figures.items():
            length = self._length(figure)
            shapes.append(self._bar(x, y, length, name))
            if self.is_stacked:
                x += length
            else:
                shapes.append(_text(x + length + 5, y + 12, format(figure, self.form)))
                y += _BAR
        if self.is_stacked:
            shapes.append(_text(x + 5, y + 12, format(sum(figures.values()), self.form)))
        return shapes

    def _bar(self, x: float, y: float, length: float, name: str) -> str:
        colour = _COLOURS[self._names.index(name) % len(_COLOURS)]
        return (
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{length:.1f}" height="{_BAR - 2}" '
            f'fill="{colour}"/>'
        )

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


def _text(x: float, y: float, text: str, weight: str = "normal", anchor: str = "start") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-weight="{weight}" text-anchor="{anchor}">'
        f"{escape(text)}</text>"
    )
