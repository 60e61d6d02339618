"""What was found among the dead letters, and what became of it: the command's own report."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from churn_tools.replay.letter import DeadLetter
from churn_tools.replay.selection import Event, Unsent
from churn_tools.verify.finding import NAMED, Finding
from telco_churn.outcome.counted import MESSAGE

_SHOWN_REASONS = 20


@dataclass
class Tally:
    """Counts letters.

    Attributes:
        read: dead letters of the input topic.
        meant: those that fit what is asked for.
        reasons: theirs, by error type, or field and code of each broken rule.
        unsent: those of them that are not sent, by why.
        events: those that are sent.
        mended: events that a repair has changed.
        broken: events that break the contract all the same.
    """

    read: int = 0
    meant: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    unsent: dict[Unsent, Finding] = field(
        default_factory=lambda: {why: Finding() for why in Unsent}
    )
    events: Finding = field(default_factory=Finding)
    mended: int = 0
    broken: int = 0

    def add(self, letter: DeadLetter, verdict: Event | Unsent) -> None:
        """Counts a letter that is meant."""
        self.meant += 1
        self.reasons.update(_reasons(letter))
        if isinstance(verdict, Unsent):
            self.unsent[verdict].add(letter.address)
            return
        self.events.add(letter.address)
        self.mended += verdict.is_mended
        self.broken += not verdict.is_in_order

    def described(self, topic: str, *, is_sent: bool) -> str:
        """The counts, one a line, with the first letters of each kind.

        Args:
            topic: that the events go to.
            is_sent: whether they were sent, or only would be.
        """
        reasons = self.reasons.most_common(_SHOWN_REASONS)
        others = len(self.reasons) - len(reasons)
        return "".join(
            f"{line.rstrip()}\n"
            for line in (
                _figure("read", self.read, f"dead letters of {topic}"),
                _figure("meant", self.meant),
                *(_figure("", count, reason) for reason, count in reasons),
                *([f"{'':25}  {others} more reasons"] if others else []),
                *(_found(why, found) for why, found in self.unsent.items()),
                _found("sent" if is_sent else "to send", self.events),
                _figure("  mended", self.mended),
                _figure(
                    "  in disorder",
                    self.broken,
                    "break the contract, and come back" if self.broken else "",
                ),
            )
        )


def _reasons(letter: DeadLetter) -> set[str]:
    broken = {f"{field or MESSAGE}: {code}" for field, code in letter.violations}
    return broken or {letter.error_type}


def _found(name: str, found: Finding) -> str:
    rest = ", …" if found.count > NAMED else ""
    return _figure(name, found.count, ", ".join(map(str, found.first)) + rest)


def _figure(name: str, count: int, said: str = "") -> str:
    return f"{name:14}{count:>11,}  {said}"
