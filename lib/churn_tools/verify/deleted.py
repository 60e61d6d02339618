"""What the source no longer has, and which of it was answered: retention may outrun a job."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from churn_tools.verify.finding import NAMED, Finding
from stream_telemetry.batch.progress import Positions
from stream_telemetry.broker.read import RecordAddress

_BITS = 65_536
"""Offsets of a page. Pages are made where there are answers, however far a topic has come."""


class Deleted:
    """The offsets before the beginnings of the partitions, a bit for each one with an answer."""

    def __init__(self, begins: Positions) -> None:
        self._begins = begins
        self._pages: defaultdict[tuple[str, int], dict[int, bytearray]] = defaultdict(dict)

    @property
    def count(self) -> int:
        """How many there are."""
        return sum(self._begins.values())

    def answered(self, record: RecordAddress) -> None:
        """Notes that there is an answer to a record that is gone."""
        number, bit = divmod(record.offset, _BITS)
        page = self._pages[record.topic, record.partition].setdefault(number, bytearray(_BITS // 8))
        page[bit // 8] |= 1 << bit % 8

    def unanswered(self) -> Finding:
        """Those without an answer, from the first one on that has one: there the job began.

        They are lost, or they were marks of transactions and what was taken back.
        """
        found = Finding()
        for key, pages in self._pages.items():
            begin, end = _first(pages), self._begins[key]
            found.count += end - begin - sum(map(_answers, pages.values()))
            if len(found.first) < NAMED:
                gaps = zip(range(NAMED - len(found.first)), _gaps(pages, begin, end), strict=False)
                found.first += [RecordAddress(*key, at) for _, at in gaps]
        return found


def _answers(page: bytearray) -> int:
    return int.from_bytes(page, "little").bit_count()


def _is_answered(page: bytearray, bit: int) -> bool:
    return bool(page[bit // 8] >> bit % 8 & 1)


def _first(pages: dict[int, bytearray]) -> int:
    number = min(pages)
    bits = (bit for bit in range(_BITS) if _is_answered(pages[number], bit))
    return number * _BITS + next(bits)


def _gaps(pages: dict[int, bytearray], begin: int, end: int) -> Iterator[int]:
    nothing = bytearray(_BITS // 8)
    for number in range(begin // _BITS, -(-end // _BITS)):
        page = pages.get(number, nothing)
        if _answers(page) < _BITS:
            offsets = range(max(begin, number * _BITS), min(end, (number + 1) * _BITS))
            yield from (at for at in offsets if not _is_answered(page, at % _BITS))
