from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from stream_telemetry.logs import configure_logging


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    for handler in set(root.handlers) - set(handlers):
        handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)


def test_a_line_is_one_json_object_with_the_standard_fields(tmp_path: Path) -> None:
    configure_logging(tmp_path, "job", "INFO", ("ours",))
    logging.getLogger("ours").info("two\nlines of %s", "é\x1b[31m", extra={"batch_id": 3})
    (line,) = (tmp_path / "job.log").read_text("ascii").splitlines()
    entry = json.loads(line)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", entry.pop("timestamp"))
    assert isinstance(entry.pop("line"), int)
    assert entry == {
        "level": "INFO",
        "logger": "ours",
        "message": "two\nlines of é\x1b[31m",
        "module": "test_logs",
        "function": "test_a_line_is_one_json_object_with_the_standard_fields",
        "batch_id": 3,
    }


def test_the_level_is_that_of_our_loggers_only(tmp_path: Path) -> None:
    configure_logging(tmp_path, "job", "DEBUG", ("ours",))
    logging.getLogger("ours").debug("heard")
    logging.getLogger("theirs").info("not heard")
    logging.getLogger("theirs").warning("heard")
    assert len((tmp_path / "job.log").read_text().splitlines()) == 2


def test_a_directory_that_cannot_be_written_is_one_line_on_the_console(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    configure_logging(blocked / "logs", "job", "INFO", ("ours",))
    logging.getLogger("ours").info("still here")
    warning, line = capsys.readouterr().err.splitlines()
    assert "cannot be written" in warning
    assert "--log-dir" in warning
    assert "still here" in line
