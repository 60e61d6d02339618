from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.results import start_stages
from sandbox.results.start_stages import Progress

CONSOLE = """\
21:00:01 INFO page at http://127.0.0.1:1/, metrics at http://127.0.0.1:1/metrics, health at http://127.0.0.1:1/health
21:00:05 INFO Spark's page is at http://127.0.0.1:4041
21:00:07 INFO reading telco.raw.customers on 127.0.0.1:2, trigger 1 second, model 1
21:00:09 INFO query churn started
21:00:11 INFO batch 0: 40 read, 40 good
"""


def test_each_stage_is_told_once_when_it_is_reached(tmp_path: Path) -> None:
    console = tmp_path / "job.log"
    one = Progress(console)
    assert one.new_lines() == []
    lines = CONSOLE.splitlines(keepends=True)
    console.write_text(lines[0])
    assert [line.split(" s  ")[1] for line in one.new_lines()] == ["the job's telemetry is up"]
    before = one.is_about_to_start
    console.write_text("".join(lines[:3]))
    told = [line.split(" s  ")[1] for line in one.new_lines()]
    assert told == ["Spark is up", "the model is read"]
    assert (before, one.is_about_to_start) == (False, True)
    console.write_text(CONSOLE)
    told = [line.split(" s  ")[1] for line in one.new_lines()]
    assert told == ["the query has started", "the first batch is done"]
    assert one.new_lines() == []


def test_a_console_that_tells_nothing_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = Progress(tmp_path / "job.log")
    before = one.is_about_to_start
    monkeypatch.setattr(start_stages, "_SILENT_SECONDS", 0.0)
    assert (before, one.is_about_to_start) == (False, True)
