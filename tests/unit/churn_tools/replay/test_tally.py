"""What the command says of the letters that it found."""

from __future__ import annotations

from dead_letter_records import dead_letter

from churn_tools.replay.letter import letter_of
from churn_tools.replay.selection import Event, Unsent
from churn_tools.replay.tally import Tally


def test_all_counts_are_told_with_the_first_letters_of_each_kind() -> None:
    tally = Tally(read=1_200)
    for offset in range(9):
        letter = letter_of(dead_letter(b"{}", ("tenure", "wrong_type"), offset=offset))
        assert letter is not None
        sent = Event(letter, b"[]" if offset else b"{}", is_in_order=offset > 1)
        tally.add(letter, Unsent.TOO_OFTEN if offset == 8 else sent)
    assert tally.described("raw", is_sent=False).splitlines() == [
        "read                1,200  dead letters of raw",
        "meant                   9",
        "                        9  tenure: wrong_type",
        "sent before             0",
        "too often               1  dead-0-8",
        "incomplete              0",
        "still broken            0",
        "to send                 8  dead-0-0, dead-0-1, dead-0-2, dead-0-3, dead-0-4, …",
        "  mended                7",
        "  in disorder           2  break the contract, and come back",
    ]
    assert "\nsent                    8  dead" in tally.described("raw", is_sent=True)


def test_many_reasons_are_summed_up() -> None:
    tally = Tally()
    for number in range(30):
        letter = letter_of(dead_letter(b"{}", (f"field {number}", "unknown_field")))
        assert letter is not None
        tally.add(letter, Unsent.BROKEN)
    lines = tally.described("raw", is_sent=False).splitlines()
    assert sum("unknown_field" in line for line in lines) == 20
    assert any(line.strip() == "10 more reasons" for line in lines)
