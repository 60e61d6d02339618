"""Which dead letters are meant, and what becomes of each of them."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from enum import StrEnum

from churn_tools.replay.letter import DeadLetter
from churn_tools.replay.mending import Mending
from churn_tools.replay.settings import ChoiceSettings
from telco_churn.outcome.counted import MESSAGE


class Unsent(StrEnum):
    """Why a letter that is meant is not sent."""

    SENT_BEFORE = "sent before"
    TOO_OFTEN = "too often"
    INCOMPLETE = "incomplete"
    BROKEN = "still broken"


@dataclass(frozen=True)
class Event:
    """An event to send in again.

    Attributes:
        letter: that it comes from.
        value: its message.
        is_in_order: whether it follows the contract.
    """

    letter: DeadLetter
    value: bytes | None
    is_in_order: bool

    @property
    def is_mended(self) -> bool:
        """Whether a repair has changed it."""
        return self.value != self.letter.value


def is_meant(letter: DeadLetter, choice: ChoiceSettings) -> bool:
    """Whether a letter fits all that is asked for.

    A field and a code have to be of one violation.
    """
    is_broken_so = any(
        (not choice.field or (field or MESSAGE) in choice.field)
        and (not choice.code or code in choice.code)
        for field, code in letter.violations
    )
    return (
        (not choice.error_type or letter.error_type in choice.error_type)
        and (is_broken_so or not (choice.field or choice.code))
        and (choice.since is None or letter.failed >= choice.since)
        and (choice.until is None or letter.failed < choice.until)
        and (choice.record is None or letter.source == choice.record)
    )


@dataclass(frozen=True)
class Judge:
    """Decides about letters that are meant.

    Attributes:
        sent: the letters that were sent before.
        max_retries: how often one event may be sent in again.
        mending: repairs, and knows the contract.
        must_be_in_order: whether an event that breaks the contract stays where it is.
    """

    sent: Container[object]
    max_retries: int
    mending: Mending
    must_be_in_order: bool

    def verdict(self, letter: DeadLetter) -> Event | Unsent:
        """The event to send, or why none is sent."""
        if letter in self.sent:
            return Unsent.SENT_BEFORE
        if letter.retry_count >= self.max_retries:
            return Unsent.TOO_OFTEN
        if letter.incomplete:
            return Unsent.INCOMPLETE
        value = self.mending.mended(letter.value)
        is_in_order = self.mending.is_in_order(value)
        if self.must_be_in_order and not is_in_order:
            return Unsent.BROKEN
        return Event(letter, value, is_in_order)
