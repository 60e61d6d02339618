"""What a person sees of a line."""

from __future__ import annotations

import json

from stream_telemetry.logs.reading.entry import Entry, read_entry
from stream_telemetry.logs.reading.shown import shown

RECORD = {
    "timestamp": "2026-11-28T12:00:00.123Z",
    "level": "WARNING",
    "message": "raw-0-42 tenure: out_of_range",
    "event_type": "validation_failure",
    "message_id": "7590-VHVEG",
    "latency_ms": 0.31415,
}


def entry(**fields: object) -> Entry:
    made = read_entry(json.dumps(fields).encode())
    assert made is not None
    return made


def test_a_record_has_its_event_id_and_latency() -> None:
    assert shown(entry(**RECORD), has_colours=False) == (
        "2026-11-28T12:00:00.123Z WARNING  raw-0-42 tenure: out_of_range"
        "  [validation failure, 7590-VHVEG, 0.314 ms]"
    )


def test_other_lines_have_time_level_and_sentence() -> None:
    made = entry(timestamp="t", level="INFO", message="query churn started", message_id=None)
    assert shown(made, has_colours=False) == "t INFO     query churn started"


def test_levels_stand_out_in_colour() -> None:
    assert "\x1b[33mWARNING" in shown(entry(**RECORD), has_colours=True)
    assert "\x1b[31mERROR" in shown(entry(level="ERROR"), has_colours=True)


def test_nothing_in_a_line_acts_on_a_terminal() -> None:
    evil = "\x1b]0;pwned\x07\n\u202e"
    made = entry(
        **dict.fromkeys(("timestamp", "level", "message", "event_type", "message_id"), evil)
    )
    line = shown(made, has_colours=False)
    assert line.isprintable()
    assert "pwned" in line


def test_a_line_without_anything_is_still_a_line() -> None:
    assert shown(entry(), has_colours=False).strip() == "?"
