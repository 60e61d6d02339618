"""Lines that wait: whose turn it is, and which are dropped."""

from __future__ import annotations

import logging

from stream_telemetry.logs.backlog import Backlog, RecordLine


def test_a_backlog_drops_successes_before_failures_and_counts_both() -> None:
    backlog = Backlog(3)
    for number, status in enumerate(["success", "success", "failed", "failed", "success"]):
        if backlog.has_room(status):
            backlog.add(RecordLine(status, logging.INFO, str(number)))
    assert [backlog.pop().message for _ in range(3)] == ["2", "3", "1"]
    assert backlog.take_dropped() == {"success": 2, "failed": 0}
    backlog.add(RecordLine("failed", logging.WARNING, "left"))
    backlog.drop_all()
    assert (backlog.first(), len(backlog)) == (None, 0)
    assert backlog.take_dropped() == {"success": 0, "failed": 1}


def test_a_backlog_of_failures_only_refuses_the_next_one() -> None:
    backlog = Backlog(1)
    assert backlog.has_room("failed")
    backlog.add(RecordLine("failed", logging.WARNING, "first"))
    assert not backlog.has_room("failed")
    assert backlog.dropped == {"success": 0, "failed": 1}
