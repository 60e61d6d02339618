from __future__ import annotations

import json
import logging
import os
import re
import stat
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stream_telemetry.logs.configure import (
    LogTargets,
    QuietStream,
    configure_logging,
)
from stream_telemetry.logs.files.whole_lines import LostLines
from stream_telemetry.logs.lines import MAX_CHARS
from stream_telemetry.logs.settings import STANDARD_OUTPUT

Configure = Callable[..., LostLines]


@pytest.fixture
def configure(tmp_path: Path) -> Configure:
    """Sets up logging below `tmp_path`."""

    def configured(level: str = "INFO", directory: Path = tmp_path, **targets: Any) -> LostLines:
        loggers = ("ours",)
        plan = LogTargets(name="job", directory=directory, level=level, loggers=loggers, **targets)
        return configure_logging(plan)

    return configured


def entries(*paths: Path) -> list[dict[str, object]]:
    return [json.loads(line) for path in paths for line in path.read_text("ascii").splitlines()]


def test_a_line_is_one_json_object_with_the_standard_fields(
    configure: Configure, tmp_path: Path
) -> None:
    configure()
    logging.getLogger("ours").info("two\nlines of %s", "é\x1b[31m", extra={"batch_id": 3})
    (entry,) = entries(tmp_path / "job.log")
    timestamp = str(entry.pop("timestamp"))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", timestamp)
    assert isinstance(entry.pop("line"), int)
    assert entry == {
        "level": "INFO",
        "logger": "ours",
        "message": "two\nlines of é\x1b[31m",
        "module": "test_configure",
        "function": "test_a_line_is_one_json_object_with_the_standard_fields",
        "batch_id": 3,
    }


def test_people_read_one_line_without_escape_sequences_and_stack_traces(
    configure: Configure, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(run_directory=tmp_path / "runs")
    try:
        raise ValueError("inside")
    except ValueError:
        logging.getLogger("ours").exception("bad\n\x1b[31m\u202e%s", "x" * 9000)
    (run,) = (tmp_path / "runs").glob("run_????????_??????.log")
    line = run.read_text("utf-8")
    assert re.match(r"\d{4}-\d\d-\d\dT[\d:]{8}\.\d{3}Z ERROR   bad\\n\\x1b\[31m\\u202exxx", line)
    assert line.count("\n") == 1
    assert len(line.encode()) < 4096
    assert "Traceback" not in line + capsys.readouterr().err
    (entry,) = entries(tmp_path / "job.log")
    assert "ValueError: inside" in str(entry["exc_info"])
    assert len(str(entry["message"])) == MAX_CHARS


def test_the_console_has_few_lines_about_single_records_and_no_successes(
    configure: Configure, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configure()
    for _ in range(50):
        logging.getLogger("ours").info("good", extra={"event_type": "message_processed"})
        logging.getLogger("ours").warning("bad", extra={"event_type": "validation_failure"})
    console = capsys.readouterr().err
    assert (console.count("good"), console.count("bad")) == (0, 10)
    assert len(entries(tmp_path / "job.log")) == 100


def test_colour_is_for_terminals_or_on_demand(
    configure: Configure, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for variables, is_coloured in [({}, False), ({"FORCE_COLOR": "1"}, True)]:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        configure()
        logging.getLogger("ours").warning("careful")
        assert ("\x1b[33m" in capsys.readouterr().err) == is_coloured
    monkeypatch.setenv("NO_COLOR", "1")
    configure()
    logging.getLogger("ours").warning("careful")
    assert "\x1b" not in capsys.readouterr().err


def test_the_level_is_that_of_our_loggers_only(configure: Configure, tmp_path: Path) -> None:
    configure("DEBUG")
    logging.getLogger("ours").debug("heard")
    logging.getLogger("theirs").info("not heard")
    logging.getLogger("theirs").warning("heard")
    assert len(entries(tmp_path / "job.log")) == 2


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_files_are_for_their_user_only(configure: Configure, tmp_path: Path) -> None:
    configure(directory=tmp_path / "logs", run_directory=tmp_path / "runs")
    logging.getLogger("ours").info("something")
    for path in [tmp_path / "logs", tmp_path / "runs", *tmp_path.glob("*/*")]:
        assert mode_of(path) & 0o077 == 0, path


def test_files_are_for_a_group_too_where_that_is_wanted_and_never_for_others(
    configure: Configure, tmp_path: Path
) -> None:
    umask = os.umask(0o077)
    try:
        configure(directory=tmp_path / "logs", run_directory=tmp_path / "runs", mode=0o640)
    finally:
        os.umask(umask)
    logging.getLogger("ours").info("something")
    assert mode_of(tmp_path / "logs" / "job.log") == 0o640
    assert [mode_of(path) for path in (tmp_path / "runs").iterdir()] == [0o640]
    # Of the directories only what keeps others out; the umask has taken from them what it may.
    assert mode_of(tmp_path / "logs") & 0o007 == 0


def test_a_directory_that_cannot_be_written_is_one_line_and_its_lines_are_counted(
    configure: Configure, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    lost = configure(directory=blocked / "logs")
    for _ in range(500):
        logging.getLogger("ours").info("still here")
    warning, *lines = capsys.readouterr().err.splitlines()
    assert "file/logs/job.log cannot be opened (Not a directory), its lines are lost" in warning
    assert warning.endswith("set --log-dir")
    assert all("still here" in line for line in lines)
    # The warning has no place in the file either.
    assert lost.count == 501


def test_a_directory_that_becomes_usable_is_used(
    configure: Configure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stream_telemetry.logs.files.whole_lines.RETRY_SECONDS", 0.05)
    blocked = tmp_path / "file"
    blocked.write_text("")
    lost = configure(directory=blocked / "logs")
    logging.getLogger("ours").info("lost")
    blocked.unlink()
    time.sleep(0.1)
    logging.getLogger("ours").info("written")
    assert [entry["message"] for entry in entries(blocked / "logs" / "job.log")] == ["written"]
    assert lost.count == 2


def test_a_directory_named_by_a_dash_is_standard_output_and_nothing_else_goes_there(
    configure: Configure, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    lost = configure(directory=STANDARD_OUTPUT)
    for number in range(50):
        fields = {"event_type": "message_processed", "n": number}
        logging.getLogger("ours").info("good", extra=fields)
    try:
        raise ValueError("x" * 15_000)
    except ValueError:
        logging.getLogger("ours").exception("bad")
    output, errors = capfd.readouterr()
    lines = [json.loads(line) for line in output.splitlines()]
    assert [line.get("n") for line in lines] == [*range(50), None]
    assert len(lines[-1]["exc_info"]) > 10_000
    assert (errors, lost.count) == ("", 0)
    assert list(tmp_path.iterdir()) == []


def test_a_console_that_nobody_reads_holds_up_nobody() -> None:
    reader, writer = os.pipe()
    lost = LostLines()
    with os.fdopen(writer, "w") as stream:
        handler = QuietStream(stream, lost)
        for number in range(2000):
            handler.emit(logging.makeLogRecord({"msg": f"{number} {'x' * 500}"}))
        assert 0 < lost.count < 2000
        taken = os.read(reader, 1 << 20).count(b"\n")
        assert taken + lost.count == 2000
        handler.emit(logging.makeLogRecord({"msg": "there is room again"}))
        assert os.read(reader, 1 << 20) == b"there is room again\n"
    os.close(reader)


def test_a_burst_waits_for_a_reader_that_is_busy() -> None:
    reader, writer = os.pipe()
    lost = LostLines()
    taken: list[bytes] = []

    def read_late() -> None:
        time.sleep(0.2)
        while piece := os.read(reader, 1 << 16):
            taken.append(piece)

    thread = threading.Thread(target=read_late)
    thread.start()
    with os.fdopen(writer, "w") as stream:
        handler = QuietStream(stream, lost)
        for number in range(2000):
            handler.emit(logging.makeLogRecord({"msg": f"{number} {'x' * 500}"}))
    thread.join()
    os.close(reader)
    assert lost.count == 0
    assert b"".join(taken).count(b"\n") == 2000


def test_half_a_line_for_a_reader_that_stops_does_not_spoil_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("stream_telemetry.logs.configure._READER_SECONDS", 0.01)
    reader, writer = os.pipe()
    lost = LostLines()
    with os.fdopen(writer, "w") as stream:
        handler = QuietStream(stream, lost)
        for text in ("x" * 60_000, "y" * 20_000, "z"):
            handler.emit(logging.makeLogRecord({"msg": text}))
        assert lost.count == 2, "one has no room at all"
        read = os.read(reader, 1 << 20)
        handler.emit(logging.makeLogRecord({"msg": "whole"}))
        read += os.read(reader, 1 << 20)
    os.close(reader)
    first, torn, last, end = read.split(b"\n")
    assert (len(first), torn.strip(b"y"), last, end) == (60_000, b"", b"whole", b"")
