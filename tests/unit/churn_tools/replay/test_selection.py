"""Which letters are meant, and what is decided about each of them."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

import pytest
from confluent_kafka import Message
from dead_letter_records import dead_letter

from churn_tools.replay.letter import DeadLetter, letter_of
from churn_tools.replay.mending import Mending
from churn_tools.replay.selection import Event, Judge, Unsent, is_meant
from churn_tools.replay.settings import COMMAND, ChoiceSettings, ReplaySettings
from telco_churn.errors import SettingsError
from telco_churn.paths import read_schema
from telco_churn.settings.resolve import read


def letter(record: Message) -> DeadLetter:
    found = letter_of(record)
    assert found is not None
    return found


def choice(*arguments: str) -> ChoiceSettings:
    return read(ReplaySettings, COMMAND, arguments, {}).choice


BROKEN = letter(dead_letter(b"{}", ("tenure", "wrong_type"), ("gender", "not_in_enum")))
WHOLE = letter(dead_letter(b"[]", (None, "not_an_object")))
UNSCORED = letter(dead_letter(b"{}"))


@pytest.mark.parametrize(
    ("options", "meant"),
    [
        ("", [BROKEN, WHOLE, UNSCORED]),
        ("--error-type validation_error", [BROKEN, WHOLE]),
        ("--error-type processing_error,inference_error", [UNSCORED]),
        ("--field tenure", [BROKEN]),
        ("--field message", [WHOLE]),
        ("--field gender,message", [BROKEN, WHOLE]),
        ("--code not_in_enum", [BROKEN]),
        ("--field tenure --code not_in_enum", []),
        ("--field tenure,gender --code not_in_enum", [BROKEN]),
        ("--since 2026-11-28", [BROKEN, WHOLE, UNSCORED]),
        ("--since 2026-11-28T04:00Z", [BROKEN, WHOLE, UNSCORED]),
        ("--since 2026-11-28T04:00:00.001", []),
        ("--until 2026-11-28T04:00Z", []),
        ("--until 2026-11-28T05:00:01+01:00", [BROKEN, WHOLE, UNSCORED]),
        ("--record raw-2-77", [BROKEN, WHOLE, UNSCORED]),
        ("--record raw-2-7", []),
    ],
)
def test_a_letter_has_to_fit_all_that_is_asked_for(options: str, meant: list[DeadLetter]) -> None:
    wanted = choice(*options.split())
    assert [one for one in (BROKEN, WHOLE, UNSCORED) if is_meant(one, wanted)] == meant


@pytest.mark.parametrize(
    "options",
    [
        *("--error-type syntax", "--mend magic", "--since noon", "--record raw", "--max-retries 0"),
        *("--field ,", "--batch-size 0", "--mend trim,", "--sent-topic a/b"),
    ],
)
def test_what_cannot_be_meant_is_refused(options: str) -> None:
    with pytest.raises(SettingsError, match=options.split()[0]):
        choice(*options.split())


def verdict(
    record: Message, mend: str = "", sent: Container[object] = (), max_retries: int = 3
) -> Any:
    names = mend.split(",") if mend else []
    mending = Mending(read_schema("customer_event"), names)
    return Judge(sent, max_retries, mending, must_be_in_order=bool(names)).verdict(letter(record))


def test_an_event_is_sent_as_it_was_whether_it_is_in_order_or_not() -> None:
    found = verdict(dead_letter(b" {}", ("tenure", "missing_field")))
    assert isinstance(found, Event)
    assert (found.value, found.is_mended, found.is_in_order) == (b" {}", False, False)


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (verdict(dead_letter(b"{}"), sent=[letter(dead_letter(b"{}"))]), Unsent.SENT_BEFORE),
        (verdict(dead_letter(b"{}", retry_count=3)), Unsent.TOO_OFTEN),
        (verdict(dead_letter(b"{}", (None, "too_large"))), Unsent.INCOMPLETE),
        (verdict(dead_letter(b"{}"), mend="trim"), Unsent.BROKEN),
    ],
)
def test_why_one_is_not_sent(found: object, why: Unsent) -> None:
    assert found is why


def test_one_that_was_tried_less_often_is_sent() -> None:
    assert isinstance(verdict(dead_letter(b"{}", retry_count=2)), Event)
