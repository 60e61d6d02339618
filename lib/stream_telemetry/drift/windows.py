"""The latest records: so many of them, or those of so long."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Generic, Protocol, Self, TypeVar

_SLICES = 64
"""Batches are kept together in so many parts of a window: what leaves it does so by such a part."""


class Counts(Protocol):
    """Counts of some records."""

    @property
    def records(self) -> int:
        """How many there are."""

    def __add__(self, other: Self, /) -> Self:
        """Of all records of both."""

    def __sub__(self, other: Self, /) -> Self:
        """Of the records that are left without those of the other."""


Counted = TypeVar("Counted", bound=Counts)


@dataclass
class _Slice(Generic[Counted]):
    began: float
    ended: float
    counts: Counted


class Window(Generic[Counted]):
    """The sum of the latest batches' counts.

    It ends with the latest batch, and holds no fewer records than asked for, if there were any.
    """

    def __init__(self, none: Counted, records: float, seconds: float) -> None:
        """Holds nothing yet.

        Args:
            none: the counts of no record.
            records: how many of the latest are held; infinite for all.
            seconds: how long any of them is held at most.
        """
        self._none = none
        self._records = records
        self._seconds = seconds
        self._slices: deque[_Slice[Counted]] = deque()
        self._total = none

    def add(self, counts: Counted, now: float) -> None:
        """Takes in a batch.

        Args:
            counts: of its records.
            now: monotonic seconds.
        """
        newest = self._slices[-1] if self._slices else None
        if newest is not None and self._has_room(newest, counts, now):
            newest.ended, newest.counts = now, newest.counts + counts
        else:
            self._slices.append(_Slice(now, now, counts))
        self._total = self._total + counts
        while self._total.records - self._slices[0].counts.records >= self._records:
            self._drop()

    def at(self, now: float) -> Counted:
        """The counts of the records that it holds at this moment."""
        while self._slices and self._slices[0].ended < now - self._seconds:
            self._drop()
        return self._total

    def _has_room(self, newest: _Slice[Counted], counts: Counted, now: float) -> bool:
        is_short = now - newest.began <= self._seconds / _SLICES
        return is_short and newest.counts.records + counts.records <= self._records / _SLICES

    def _drop(self) -> None:
        gone = self._slices.popleft()
        # An exact zero, where differences of sums leave a little.
        self._total = self._total - gone.counts if self._slices else self._none
