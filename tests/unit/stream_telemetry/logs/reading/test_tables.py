from __future__ import annotations

import json

import pytest

from stream_telemetry.logs.reading.entry import Entry, read_entry
from stream_telemetry.logs.reading.tables import Counts, Latencies, nearest_rank


def entry(**fields: object) -> Entry:
    made = read_entry(json.dumps(fields).encode())
    assert made is not None
    return made


def test_lines_are_counted_by_event_error_and_level() -> None:
    counts = Counts()
    for _ in range(3):
        counts.add(entry(level="INFO", event_type="message_processed"))
    counts.add(entry(level="WARNING", event_type="bad\x1b[31m", error_type="schema_validation"))
    counts.add(entry(level="INFO", event_type=7))
    table = [line.split() for line in counts.table(has_colours=False)]
    assert ["message_processed", "3"] in table
    assert ["bad\\x1b[31m", "1"] in table
    assert ["schema_validation", "1"] in table
    assert ["INFO", "4"] in table


def test_what_does_not_occur_is_said_to_be_none() -> None:
    assert list(Counts().table(has_colours=False)).count("none") == 3


def test_latencies_are_told_by_event_and_for_all() -> None:
    latencies = Latencies()
    for number in range(1, 101):
        latencies.add(entry(event_type="message_processed", latency_ms=number))
    latencies.add(entry(event_type="validation_failure", latency_ms=5000.5))
    latencies.add(entry(latency_ms="7"))
    latencies.add(entry(latency_ms=True))
    titles, everything, processed, refused = latencies.table(has_colours=False)
    assert titles.split()[-5:] == ["p50", "p90", "p95", "p99", "max"]
    assert everything.split() == ["all", "101", "51", "91", "96", "100", "5,000"]
    assert processed.split() == ["message_processed", "100", "50", "90", "95", "99", "100"]
    assert refused.split()[:2] == ["validation_failure", "1"]


def test_without_latencies_there_are_no_figures() -> None:
    _, everything = Latencies().table(has_colours=False)
    assert everything.split() == ["all", "0", "-", "-", "-", "-", "-"]


@pytest.mark.parametrize(("share", "expected"), [(1, 1), (50, 2), (75, 3), (76, 4), (100, 4)])
def test_a_percentile_is_a_value_that_was_seen(share: float, expected: float) -> None:
    assert nearest_rank([1, 2, 3, 4], share) == expected
