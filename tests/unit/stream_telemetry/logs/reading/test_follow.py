"""A log that grows, is rotated, emptied and removed while it is followed."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from log_directory import Logs

from stream_telemetry.logs.files.whole_lines import LostLines, WholeLines
from stream_telemetry.logs.lines import JsonLines
from stream_telemetry.logs.reading.family import Family
from stream_telemetry.logs.reading.follow import Follower, follow


@pytest.fixture
def follower(logs: Logs) -> Iterator[Follower]:
    made = Follower(Family(logs.path, logs.told.append), logs.told.append)
    yield made
    made.close()


def past(follower: Follower) -> list[str]:
    return [entry.word("message") for entry in follower.past()]


def new(follower: Follower) -> list[str]:
    return [entry.word("message") for entry in follower.new()]


def test_what_was_there_comes_first_then_what_comes(logs: Logs, follower: Follower) -> None:
    logs.write("job.log.1.gz", [1], is_packed=True)
    logs.write("job.log", [2])
    assert past(follower) == ["m1", "m2"]
    assert new(follower) == []
    logs.append(logs.line(3), logs.line(4))
    assert new(follower) == ["m3", "m4"]
    assert new(follower) == []


def test_half_a_line_waits_for_its_other_half(logs: Logs, follower: Follower) -> None:
    line = logs.line(1)
    logs.append(line[:20])
    assert past(follower) == []
    logs.append(line[20:])
    assert new(follower) == ["m1"]
    assert logs.told == []


def test_a_rotation_loses_nothing(logs: Logs, follower: Follower) -> None:
    logs.append(logs.line(1))
    assert past(follower) == ["m1"]
    logs.append(logs.line(2))
    logs.path.rename(logs.directory / "job.log.1")
    assert new(follower) == ["m2"], "there is no new file yet"
    logs.append(logs.line(3))
    assert new(follower) == ["m3"]


def test_several_rotations_between_two_looks_lose_nothing(logs: Logs, follower: Follower) -> None:
    logs.append(logs.line(1))
    past(follower)
    logs.append(logs.line(2))
    logs.path.rename(logs.directory / "job.log.3")
    logs.write("job.log.2.gz", [3, 4], is_packed=True)
    logs.write("job.log.1", [5])
    logs.write("job.log", [6])
    assert new(follower) == ["m2", "m3", "m4", "m5", "m6"]
    assert new(follower) == []


def test_a_file_that_is_copied_and_emptied_is_read_on(logs: Logs, follower: Follower) -> None:
    logs.append(logs.line(1), logs.line(2))
    past(follower)
    logs.path.write_text("")
    assert new(follower) == []
    logs.append(logs.line(3))
    assert new(follower) == ["m3"]


def test_a_file_that_is_removed_and_made_again_is_read(logs: Logs, follower: Follower) -> None:
    logs.append(logs.line(1))
    past(follower)
    logs.path.unlink()
    assert new(follower) == []
    logs.append(logs.line(2))
    assert new(follower) == ["m2"]


def test_a_log_may_begin_later(logs: Logs, follower: Follower) -> None:
    logs.write("job.log.1", [1])
    assert past(follower) == ["m1"]
    logs.append(logs.line(2))
    assert new(follower) == ["m2"]


def test_broken_lines_are_told_as_they_come(logs: Logs, follower: Follower) -> None:
    logs.append(logs.line(1))
    past(follower)
    logs.append("torn\n", logs.line(2), '{"never": ')
    assert new(follower) == ["m2"]
    logs.path.rename(logs.directory / "job.log.1")
    logs.append(logs.line(3))
    assert new(follower) == ["m3"]
    assert logs.told == [
        "job.log: a line is no JSON object, passed over",
        "job.log: its last line was never finished, passed over",
    ]


def test_each_line_of_our_own_rotating_file_comes_once(logs: Logs, follower: Follower) -> None:
    handler = WholeLines(logs.path, LostLines(), max_bytes=2000, backups=100)
    handler.setFormatter(JsonLines())
    assert past(follower) == []
    found = []
    for number in range(300):
        record = logging.LogRecord("ours", logging.INFO, "p", 1, str(number), (), None)
        handler.emit(record)
        # Looks come now and then: many rotations lie between two of them.
        if number % 37 == 0:
            found += new(follower)
    found += new(follower)
    handler.close()
    assert found == [str(number) for number in range(300)]
    assert len(list(Path(logs.directory).glob("job.log.*"))) > 10


def test_several_logs_are_followed_at_once(logs: Logs, follower: Follower) -> None:
    other = Logs(logs.directory)
    other.path = logs.directory / "other.log"
    second = Follower(Family(other.path, other.told.append), other.told.append)
    logs.append(logs.line(1))
    looks = iter([(other, 2), (logs, 3)])

    def write(seconds: float) -> None:
        log, number = next(looks)
        log.append(log.line(number))

    lines = follow([follower, second], write)
    assert [next(lines).word("message") for _ in range(3)] == ["m1", "m2", "m3"]
    second.close()
