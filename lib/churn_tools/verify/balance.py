"""The books of a job: which record was read, and what became of it, by partition and offset.

They take one byte for each offset of the source, however many records answer it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntFlag

Place = tuple[int, int]
"""A partition and an offset of the source topic."""

NAMED = 5
"""How many places a finding names."""


class Fate(IntFlag):
    """What an output record says became of its source record."""

    PREDICTION = 1
    DEAD_LETTER = 2


_READ = 4
_BOTH = Fate.PREDICTION | Fate.DEAD_LETTER


@dataclass
class Finding:
    """How often something was found, and where first."""

    count: int = 0
    first: list[Place] = field(default_factory=list)

    def add(self, place: Place) -> None:
        """Counts one more."""
        self.count += 1
        if len(self.first) < NAMED:
            self.first.append(place)


@dataclass
class Balance:
    """What the books say.

    Attributes:
        read: records of the source.
        predictions: those of them that have a prediction.
        dead_letters: those of them that have a dead letter.
        lost: have neither.
        invented: answers to records that were never there, or were taken back by their producer.
        in_both: have a prediction and a dead letter.
        repeated: output records beyond the first of their kind for a source record.
        expired: answers to records that the source topic no longer keeps.
        later: answers to records that came after the source had been read.
    """

    read: int
    predictions: int
    dead_letters: int
    lost: Finding
    invented: Finding
    in_both: Finding
    repeated: Finding
    expired: int
    later: int

    @property
    def is_clean(self) -> bool:
        """Whether each record has exactly one fate; a repeated one is told by its headers."""
        return not (self.lost.count or self.invented.count or self.in_both.count)


class Ledger:
    """Takes records and answers as they are read, then strikes a balance."""

    def __init__(
        self, bounds: Mapping[int, tuple[int, int]], end_of: Callable[[int], int] = lambda _: 0
    ) -> None:
        """Opens the books.

        Args:
            bounds: first and next offset of each partition, as the source is read.
            end_of: tells the next offset that a partition has by now, 0 for one that is not there.
        """
        self._begins = {partition: begin for partition, (begin, _) in bounds.items()}
        self._pages = {p: bytearray(max(0, end - begin)) for p, (begin, end) in bounds.items()}
        self._ends = {partition: end for partition, (_, end) in bounds.items()}
        self._end_of = end_of
        self._beyond, self._repeated = Finding(), Finding()
        self._expired = self._later = 0

    def read(self, partition: int, offset: int) -> None:
        """Notes a record of the source; one beyond the bounds is left for the next time."""
        page, at = self._pages.get(partition, b""), offset - self._begins.get(partition, 0)
        if 0 <= at < len(page):
            self._pages[partition][at] |= _READ

    def answered(self, partition: int, offset: int, fate: Fate) -> None:
        """Notes an output record, by what its headers say of its source."""
        page, at = self._pages.get(partition, b""), offset - self._begins.get(partition, 0)
        if at < 0:
            self._expired += 1
        elif at >= len(page):
            self._note_beyond(partition, offset)
        else:
            if page[at] & fate:
                self._repeated.add((partition, offset))
            self._pages[partition][at] |= fate

    @property
    def unanswered(self) -> int:
        """Records that have neither fate so far."""
        return sum(page.count(_READ) for page in self._pages.values())

    def balance(self, begins: Mapping[int, int]) -> Balance:
        """The balance.

        Args:
            begins: the first offset that each partition has by now, after retention.
        """
        counts = sum((Counter(page) for page in self._pages.values()), Counter[int]())
        invented, expired = self._unread(begins)
        for place in self._beyond.first:
            invented.first = [*invented.first, place][:NAMED]
        invented.count += self._beyond.count
        return Balance(
            read=sum(n for flags, n in counts.items() if flags & _READ),
            predictions=_having(counts, _READ | Fate.PREDICTION),
            dead_letters=_having(counts, _READ | Fate.DEAD_LETTER),
            lost=self._places(lambda flags: flags == _READ, counts),
            invented=invented,
            in_both=self._places(lambda flags: flags & _BOTH == _BOTH, counts),
            repeated=self._repeated,
            expired=self._expired + expired,
            later=self._later,
        )

    def _note_beyond(self, partition: int, offset: int) -> None:
        # An answer comes after its record, so a partition that ends before it never held it.
        if offset >= self._ends.get(partition, 0):
            self._ends[partition] = self._end_of(partition)
        if offset < self._ends[partition]:
            self._later += 1
        else:
            self._beyond.add((partition, offset))

    def _unread(self, begins: Mapping[int, int]) -> tuple[Finding, int]:
        """Answers without a record: invented, or their record expired while it was read."""
        invented, expired = Finding(), 0
        for partition, page in self._pages.items():
            if not any(page.count(flags) for flags in range(1, _READ)):
                continue
            for at, flags in enumerate(page, self._begins[partition]):
                if flags and not flags & _READ:
                    if at < begins.get(partition, 0):
                        expired += 1
                    else:
                        invented.add((partition, at))
        return invented, expired

    def _places(self, is_one: Callable[[int], bool], counts: Counter[int]) -> Finding:
        """The places whose flags are such, and how many they are."""
        wanted = {flags for flags in counts if is_one(flags)}
        found = Finding(sum(counts[flags] for flags in wanted))
        for partition, page in self._pages.items():
            if len(found.first) == NAMED or not wanted:
                break
            places = (at for at, flags in enumerate(page) if flags in wanted)
            for at, _ in zip(places, range(NAMED - len(found.first)), strict=False):
                found.first.append((partition, self._begins[partition] + at))
        return found


def _having(counts: Counter[int], wanted: int) -> int:
    return sum(n for flags, n in counts.items() if flags & wanted == wanted)
