"""Joint tables that agree with published margins, and fast draws from them."""

from __future__ import annotations

import math
from bisect import bisect
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from random import Random

Cell = tuple[str, ...]
Table = dict[Cell, float]
Margin = tuple[Sequence[int], Mapping[Cell, float]]  # positions within a cell, their joint shares

# The margins are rounded to four digits, so more cycles change nothing that shows.
_CYCLES = 40


def margin_of(table: Mapping[Cell, float], positions: Sequence[int]) -> Table:
    """The table summed over all but the given positions of its cells."""
    sums: Table = defaultdict(float)
    for cell, weight in table.items():
        sums[tuple(cell[position] for position in positions)] += weight
    return sums


def rake(prior: Table, margins: Sequence[Margin]) -> Table:
    """The table nearest to `prior` whose margins are the given ones.

    Iterative proportional fitting (Deming and Stephan, 1940): the associations of the prior that
    no margin speaks of are kept. A cell that a margin does not name is impossible and left out.
    """
    table = prior
    for _ in range(_CYCLES):
        for positions, margin in margins:
            sums = margin_of(table, positions)
            scale = {key: margin.get(key, 0.0) / total for key, total in sums.items()}
            scaled = {
                cell: weight * scale[tuple(cell[position] for position in positions)]
                for cell, weight in table.items()
            }
            table = {cell: weight for cell, weight in scaled.items() if weight > 0}
    return table


class ConditionalDraw:
    """Draws the rest of a cell when its first `given` positions are known."""

    def __init__(self, table: Mapping[Cell, float], given: int) -> None:
        rows: dict[Cell, list[tuple[Cell, float]]] = defaultdict(list)
        for cell, weight in table.items():
            rows[cell[:given]].append((cell[given:], weight))
        self._choices = {known: _cumulated(row) for known, row in rows.items()}

    def __call__(self, random: Random, *known: str) -> Cell:
        """The other positions, with the chance that they have beside `known`."""
        outcomes, bounds = self._choices[known]
        # Up to the last but one, as rounding may put the draw at the very end.
        return outcomes[bisect(bounds, random.random() * bounds[-1], 0, len(bounds) - 1)]


def _cumulated(row: Iterable[tuple[Cell, float]]) -> tuple[list[Cell], list[float]]:
    outcomes, weights = zip(*row, strict=True)
    return list(outcomes), list(accumulate(weights))


def quantile(points: Sequence[float], low: float, high: float, share: float) -> float:
    """The value below which `share` (0-1) lies, between evenly spaced quantile `points`."""
    knots = [low, *points, high]
    place = share * (len(knots) - 1)
    index = min(math.floor(place), len(knots) - 2)
    return knots[index] + (place - index) * (knots[index + 1] - knots[index])
