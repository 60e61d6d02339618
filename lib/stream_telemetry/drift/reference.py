"""What a model was fitted to, as shares of bins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.float64]
"""Of records; or shares of them."""


@dataclass(frozen=True)
class Category:
    """A feature with names as values: the share of each in training; empty if it is not known."""

    shares: Mapping[str, float]

    @property
    def cells(self) -> int:
        """Elements that are counted of it: one for each value."""
        return len(self.shares)

    @property
    def expected(self) -> Counts:
        """Share of each value, then of all others and of null."""
        shares = [*self.shares.values()]
        return np.array([*shares, max(0.0, 1.0 - sum(shares))])

    def bins(self, cells: Counts, records: float) -> Counts:
        """Records of each bin of `expected`, from what was counted."""
        return np.append(cells, records - cells.sum())


@dataclass(frozen=True)
class Number:
    """A numeric feature: shares of its bins in training; empty if not known.

    Bin i holds the values that exactly i of the rising edges reach up to: an edge belongs to the
    bin above it.
    """

    edges: tuple[float, ...]
    shares: tuple[float, ...]

    @property
    def cells(self) -> int:
        """Elements that are counted of it: not null, and how many reach each edge."""
        # Shares of other bins than these tell nothing.
        return len(self.shares) if len(self.shares) == len(self.edges) + 1 else 0

    @property
    def expected(self) -> Counts:
        """Share of each bin, then of null, which training does not know."""
        return np.array([*self.shares, 0.0])

    def bins(self, cells: Counts, records: float) -> Counts:
        """Records of each bin of `expected`, from what was counted."""
        reached = np.append(cells, 0.0)
        return np.append(reached[:-1] - reached[1:], records - cells[0])


@dataclass(frozen=True)
class Reference:
    """What a model was fitted to, and what it is held to.

    Attributes:
        categories: by feature.
        numbers: by feature.
        scores: shares of their tenths; empty if not known.
        rows: records fitted to; None if nobody knows.
        threshold: least score that makes a record a positive one.
        brier: Brier score on records that it was not fitted to; None if nobody knows.
    """

    categories: Mapping[str, Category] = field(default_factory=dict)
    numbers: Mapping[str, Number] = field(default_factory=dict)
    scores: tuple[float, ...] = ()
    rows: int | None = None
    threshold: float = 0.5
    brier: float | None = None

    @property
    def known(self) -> dict[str, Category | Number]:
        """All features of which training shares are known."""
        every: dict[str, Category | Number] = {**self.categories, **self.numbers}
        return {name: one for name, one in every.items() if one.cells}

    @property
    def unknown(self) -> tuple[str, ...]:
        """Features of which nothing is known."""
        every = (*self.categories, *self.numbers)
        return tuple(name for name in every if name not in self.known)

    def binned(self, cells: Counts) -> Iterator[tuple[str, Counts, Counts]]:
        """Name, expected shares and counted records of each bin, of all that is known.

        Args:
            cells: as the plan has counted them: all records, then the cells of each in turn.
        """
        place = 1
        for name, one in self.known.items():
            yield name, one.expected, one.bins(cells[place : place + one.cells], cells[0])
            place += one.cells
