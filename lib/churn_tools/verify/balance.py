"""The balance of a job: which record was read, and what became of it.

It takes nine bytes for each offset of the source, however many records answer it: what is known of
it, and its time, which tells it from a record that had its place before the topic was made anew.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntFlag

from churn_tools.verify.deleted import Deleted
from churn_tools.verify.finding import NAMED, Finding
from stream_telemetry.batch.progress import Positions
from stream_telemetry.broker.partitions import Bounds
from stream_telemetry.broker.read import RecordAddress


class Fate(IntFlag):
    """What an output record says became of its source record."""

    PREDICTION = 1
    DEAD_LETTER = 2


_READ = 4
_BOTH = Fate.PREDICTION | Fate.DEAD_LETTER


@dataclass
class Balance:
    """What is found when the ledger is closed.

    Attributes:
        read: records of the source.
        predictions: those of them that have a prediction.
        dead_letters: those of them that have a dead letter.
        lost: have neither.
        invented: answers to records that were never there, or were taken back by their producer.
        in_both: have a prediction and a dead letter.
        repeated: output records beyond the first of their kind for a source record.
        expired: answers to records that the source topic no longer keeps.
        deleted: offsets that it no longer keeps.
        unread: those of them without an answer, from the first one on that has one.
        later: answers to records that came after the source had been read.
        older: answers to records that had the place of others, in an older topic of the same name.
        again: records of the source that are dead letters sent in again.
        outputs_are_whole: whether Kafka has deleted none of the answers.
    """

    read: int
    predictions: int
    dead_letters: int
    lost: Finding
    invented: Finding
    in_both: Finding
    repeated: Finding
    expired: int
    deleted: int
    unread: Finding
    later: int
    older: Finding
    again: int
    outputs_are_whole: bool = True

    @property
    def is_clean(self) -> bool:
        """Whether each record has exactly one fate; a repeated one is told by its headers.

        What the source no longer has counts as long as all answers are still there.
        """
        unread = self.unread.count if self.outputs_are_whole else 0
        return not (self.lost.count or self.invented.count or self.in_both.count or unread)


class Ledger:
    """Takes records and answers as they are read, then strikes a balance."""

    def __init__(
        self,
        bounds: Bounds,
        ends: Callable[[], Positions] = lambda: {},
        *,
        has_gaps: bool = False,
    ) -> None:
        """Opens the ledger.

        Args:
            bounds: of the partitions, as the source is read.
            ends: tells the next offset of each partition that there is by now.
            has_gaps: whether Kafka deletes single records of the source, by their keys.
        """
        self._has_gaps = has_gaps
        self._deleted = Deleted(bounds.beginnings)
        self._begins = bounds.beginnings
        self._pages = {
            key: bytearray(max(0, end - bounds.beginnings[key])) for key, end in bounds.ends.items()
        }
        # In milliseconds, as Kafka has it; 0 until the record is read.
        self._times = {key: array("q", bytes(8 * len(page))) for key, page in self._pages.items()}
        self._known_ends = dict(bounds.ends)
        self._ends = ends
        self._beyond, self._repeated, self._older = Finding(), Finding(), Finding()
        self._expired = self._later = self._again = 0

    def read(self, record: RecordAddress, time: int = 0, *, is_again: bool = False) -> None:
        """Notes a record of the source; one beyond the bounds is left for the next time.

        Args:
            record: where it is.
            time: its timestamp in milliseconds; negative when it has none.
            is_again: whether it was sent in again, and so has another record that was answered.
        """
        page, at = self._line(record)
        if 0 <= at < len(page):
            page[at] |= _READ
            self._again += is_again
            self._times[record.topic, record.partition][at] = time

    def answered(self, record: RecordAddress, fate: Fate, time: int | None = None) -> None:
        """Notes an output record that answers `record` of the source.

        Args:
            record: where the record is that it answers.
            fate: what became of it.
            time: the timestamp of that record, as the answer has it; None when it does not tell.
        """
        page, at = self._line(record)
        if at < 0:
            self._expired += 1
            self._deleted.answered(record)
        elif at >= len(page):
            self._note_beyond(record)
        elif self._is_older(record, at, time):
            self._older.add(record)
        else:
            if page[at] & fate:
                self._repeated.add(record)
            page[at] |= fate

    @property
    def unanswered(self) -> int:
        """Records that have neither fate so far."""
        return sum(page.count(_READ) for page in self._pages.values())

    def balance(self, begins: Positions, *, outputs_are_whole: bool = True) -> Balance:
        """The balance.

        Args:
            begins: the first offset that each partition has by now, after retention.
            outputs_are_whole: whether Kafka has deleted none of the answers.
        """
        counts = sum((Counter(page) for page in self._pages.values()), Counter[int]())
        invented, expired = self._unread(begins)
        invented.first = [*invented.first, *self._beyond.first][:NAMED]
        invented.count += self._beyond.count
        return Balance(
            read=sum(n for flags, n in counts.items() if flags & _READ),
            predictions=_having(counts, _READ | Fate.PREDICTION),
            dead_letters=_having(counts, _READ | Fate.DEAD_LETTER),
            lost=self._find(lambda flags: flags == _READ, counts),
            invented=invented,
            in_both=self._find(lambda flags: flags & _BOTH == _BOTH, counts),
            repeated=self._repeated,
            expired=self._expired + expired,
            deleted=self._deleted.count,
            unread=self._deleted.unanswered(),
            later=self._later,
            older=self._older,
            again=self._again,
            outputs_are_whole=outputs_are_whole,
        )

    def _is_older(self, record: RecordAddress, at: int, time: int | None) -> bool:
        """Whether the answer is to a record that was at this place before the one that is there."""
        known = self._times[record.topic, record.partition][at]
        return known != 0 and time is not None and known != time

    def _line(self, record: RecordAddress) -> tuple[bytearray, int]:
        """The page of the record's partition, and the place in it."""
        key = record.topic, record.partition
        return self._pages.get(key, bytearray()), record.offset - self._begins.get(key, 0)

    def _note_beyond(self, record: RecordAddress) -> None:
        key = record.topic, record.partition
        # An answer comes after its record, so a partition that ends before it never held it.
        if record.offset >= self._known_ends.get(key, 0):
            self._known_ends |= self._ends()
        if record.offset < self._known_ends.get(key, 0):
            self._later += 1
        else:
            self._beyond.add(record)

    def _unread(self, begins: Positions) -> tuple[Finding, int]:
        """Answers without a record: invented, or their record has expired since."""
        invented, expired = Finding(), 0
        for key, page in self._pages.items():
            # `count` runs in C; few partitions then need a look at each offset.
            if not any(page.count(flags) for flags in range(1, _READ)):
                continue
            for at, flags in enumerate(page, self._begins[key]):
                if flags and not flags & _READ:
                    # In a compacted topic a record may be gone though its offset has not expired.
                    if self._has_gaps or at < begins.get(key, 0):
                        expired += 1
                    else:
                        invented.add(RecordAddress(*key, at))
        return invented, expired

    def _find(self, is_one: Callable[[int], bool], counts: Counter[int]) -> Finding:
        """The records whose flags are such."""
        wanted = {flags for flags in counts if is_one(flags)}
        found = Finding(sum(counts[flags] for flags in wanted))
        for key, page in self._pages.items():
            if len(found.first) == NAMED or not wanted:
                break
            places = (at for at, flags in enumerate(page, self._begins[key]) if flags in wanted)
            for at, _ in zip(places, range(NAMED - len(found.first)), strict=False):
                found.first.append(RecordAddress(*key, at))
        return found


def _having(counts: Counter[int], wanted: int) -> int:
    return sum(n for flags, n in counts.items() if flags & wanted == wanted)
