"""The balance as an operator reads it."""

from __future__ import annotations

import pytest

from churn_tools.verify.balance import Balance
from churn_tools.verify.command import described
from churn_tools.verify.finding import NAMED, Finding
from stream_telemetry.broker.read import RecordAddress


def balance(lost: Finding) -> Balance:
    return Balance(
        read=12_345,
        predictions=12_000,
        dead_letters=340,
        lost=lost,
        invented=Finding(),
        in_both=Finding(),
        repeated=Finding(),
        expired=2,
        deleted=2,
        unread=Finding(),
        later=1,
        older=Finding(),
        again=0,
    )


def finding(count: int) -> Finding:
    made = Finding(count)
    made.first.extend(RecordAddress("raw", 0, offset) for offset in range(min(count, NAMED)))
    return made


def test_each_figure_has_a_line_and_they_stand_below_each_other() -> None:
    lines = described(balance(Finding())).splitlines()
    assert [line[:14].strip() for line in lines] == [
        *("read", "predictions", "dead letters", "lost", "invented", "in both"),
        *("repeated", "expired", "deleted unread", "later", "older topic", "sent again"),
    ]
    assert {len(line) for line in lines} == {25}
    assert lines[0].endswith(" 12,345")


@pytest.mark.parametrize("count", [1, NAMED])
def test_what_is_lost_is_named(count: int) -> None:
    line = described(balance(finding(count))).splitlines()[3]
    names = ", ".join(f"raw-0-{offset}" for offset in range(count))
    assert line == f"lost          {count:>11,}  {names}"


def test_more_than_can_be_named_end_with_an_ellipsis() -> None:
    line = described(balance(finding(NAMED + 1))).splitlines()[3]
    assert line.endswith(f"raw-0-{NAMED - 1}, …")
