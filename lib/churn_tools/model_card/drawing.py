"""Small drawings as SVG: the same figures give the same file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import starmap

BLUE, ORANGE, GREY = "#4e79a7", "#f28e2b", "#999"

Points = Sequence[tuple[float, float]]


@dataclass
class Drawing:
    """Shapes on a white ground, in pixels from the upper left corner."""

    width: float
    height: float
    shapes: list[str] = field(default_factory=list)

    def text(
        self, x: float, y: float, text: str, *, anchor: str = "start", weight: str = "normal"
    ) -> None:
        """Writes `text`, whose base line is at `y`."""
        self.shapes.append(
            f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}">'
            f"{escape(text)}</text>"
        )

    def bar(self, x: float, y: float, width: float, height: float, colour: str = BLUE) -> None:
        """A filled rectangle, whose upper left corner is given."""
        self.shapes.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" '
            f'fill="{colour}"/>'
        )

    def path(
        self, points: Points, colour: str, *, width: float = 2, is_dashed: bool = False
    ) -> None:
        """A line through points."""
        dashes = ' stroke-dasharray="5 4"' if is_dashed else ""
        self.shapes.append(
            f'<polyline points="{" ".join(starmap("{:.1f},{:.1f}".format, points))}" fill="none" '
            f'stroke="{colour}" stroke-width="{width:g}"{dashes}/>'
        )

    def dots(self, points: Points, colour: str) -> None:
        """A small disc at each point."""
        self.shapes += [
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y in points
        ]

    def svg(self) -> str:
        """The drawing, as a whole file."""
        size = f"{self.width:g} {self.height:g}"
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width:g}" '
                f'height="{self.height:g}" viewBox="0 0 {size}" font-family="sans-serif" '
                'font-size="12" fill="#222">',
                f'<rect width="{self.width:g}" height="{self.height:g}" fill="#fff"/>',
                *self.shapes,
                "</svg>\n",
            ]
        )


@dataclass(frozen=True)
class Axes:
    """A frame of a drawing in which points have values of their own.

    Attributes:
        drawing: has the frame.
        left: of its upper left corner.
        top: of that too.
        width: of the frame.
        height: of the frame.
        across: the values at its left and right.
        up: the values at its bottom and top.
    """

    drawing: Drawing
    left: float
    top: float
    width: float
    height: float
    across: tuple[float, float] = (0.0, 1.0)
    up: tuple[float, float] = (0.0, 1.0)

    def frame(self, title: str, across: str = "", up: str = "") -> None:
        """Draws it, with its title above, what is told across below, and what goes up within."""
        right, bottom = self.left + self.width, self.top + self.height
        corners = [(self.left, self.top), (right, self.top), (right, bottom), (self.left, bottom)]
        self.drawing.path([*corners, corners[0]], GREY, width=1)
        self.drawing.text(self.left, self.top - 10, title, weight="bold")
        self.drawing.text(self.left + self.width / 2, bottom + 34, across, anchor="middle")
        # Where neither a curve of shares nor a diagonal comes along.
        self.drawing.text(right - 8, bottom - 10, up, anchor="end")
        for value in _ticks(self.across):
            (x, y), *_ = self.placed([(value, self.up[0])])
            self.drawing.text(x, y + 16, _written(value), anchor="middle")
        for value in _ticks(self.up):
            (x, y), *_ = self.placed([(self.across[0], value)])
            self.drawing.text(x - 6, y + 4, _written(value), anchor="end")

    def placed(self, points: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
        """The points in pixels of the drawing."""
        return [
            (
                self.left + self.width * _part(x, self.across),
                self.top + self.height * (1 - _part(y, self.up)),
            )
            for x, y in points
        ]


def _part(value: float, of: tuple[float, float]) -> float:
    least, most = of
    return (value - least) / ((most - least) or 1.0)


def _written(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _ticks(of: tuple[float, float]) -> list[float]:
    least, most = of
    return [least + (most - least) * quarter / 4 for quarter in range(5)]
