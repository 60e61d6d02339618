"""`python -m stream_telemetry.logs` as people call it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from log_directory import Logs
from sources import HOME

from stream_telemetry.logs.reading.command import main

COMMAND = (sys.executable, "-m", "stream_telemetry.logs")
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(HOME / "lib")}


@pytest.fixture
def full(logs: Logs) -> Logs:
    """A log of two files with lines of each kind."""
    (logs.directory / "job.log.1").write_text(
        logs.line(1, event_type="message_processed", message_id="a", latency_ms=1.0)
        + logs.line(
            2,
            event_type="validation_failure",
            error_type="schema_validation",
            message_id="b",
            level="WARNING",
            latency_ms=3.0,
        )
    )
    logs.append(logs.line(3, level="ERROR", event_type="inference_failure", message_id="a"))
    logs.append(logs.line(4), "torn\n")
    return logs


def told(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> list[str]:
    """The messages that are printed."""
    assert main(["--json", *map(str, arguments)]) == 0
    return [json.loads(line)["message"] for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ([], [1, 2, 3, 4]),
        (["--level", "warning"], [2, 3]),
        (["--level", "ERROR"], [3]),
        (["--event", "validation_failure"], [2]),
        (["--event", "validation_failure", "--event", "inference_failure"], [2, 3]),
        (["--error", "schema_validation"], [2]),
        (["--id", "a"], [1, 3]),
        (["--id", "a", "--level", "ERROR"], [3]),
        (["-n", "2"], [3, 4]),
        (["-n", "1", "--id", "a"], [3]),
        (["--id", "nobody"], []),
    ],
)
def test_lines_are_chosen(
    full: Logs, capsys: pytest.CaptureFixture[str], options: list[str], found: list[int]
) -> None:
    assert told(capsys, *options, full.path) == [f"m{number}" for number in found]


def test_broken_lines_are_told_beside_it(full: Logs, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(full.path)]) == 0
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 4
    assert err.endswith("logs: job.log: 1 line is no JSON object, passed over\n")


def test_logs_of_a_directory_come_by_time(full: Logs, capsys: pytest.CaptureFixture[str]) -> None:
    (full.directory / "other.log").write_text(full.line(2, message="between"))
    assert told(capsys, full.directory) == ["m1", "m2", "between", "m3", "m4"]


def test_counts_and_latencies_are_tables(full: Logs, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--count", "--latency", "--level", "INFO", str(full.path)]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["validation_failure", "1"] in rows
    assert ["INFO", "2"] in rows
    assert ["all", "2", "1", "3", "3", "3", "3"] in rows


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["nowhere.log"], "no log nowhere.log; name the file"),
        (["."], "no log in ./; name the file"),
        (["-f", "--count", "job.log"], "-f goes on for ever"),
        (["-", "job.log"], "- is read alone"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    if "." not in options:
        (tmp_path / "job.log").touch()
    assert main(options) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert said in err


@pytest.mark.parametrize("options", [["--level", "loud"], ["-n", "-1"], ["--nothing"]])
def test_an_option_that_is_none_is_refused(options: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(options)
    assert ended.value.code == 2


@pytest.mark.parametrize(("variables", "coloured"), [({}, False), ({"FORCE_COLOR": "1"}, True)])
def test_colours_are_for_terminals_and_who_forces_them(
    full: Logs,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    variables: dict[str, str],
    coloured: bool,
) -> None:
    for name in ("FORCE_COLOR", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    main([str(full.path)])
    assert ("\x1b[" in capsys.readouterr().out) == coloured
    monkeypatch.setenv("NO_COLOR", "1")
    main([str(full.path)])
    assert "\x1b[" not in capsys.readouterr().out


def test_it_reads_what_is_piped_and_ends_with_who_reads_it(full: Logs) -> None:
    piped = subprocess.run(
        [*COMMAND, "-", "--id", "b"],
        input=(full.directory / "job.log.1").read_text(),
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert "validation failure" in piped.stdout
    full.append(*[full.line(number) for number in range(5, 3000)])
    command = f"{sys.executable} -m stream_telemetry.logs {full.path} | head -n 1"
    cut = subprocess.run(
        ["bash", "-c", command], env=ENVIRONMENT, capture_output=True, text=True, timeout=30
    )
    assert len(cut.stdout.splitlines()) == 1
    assert "Traceback" not in cut.stderr


def test_it_follows_over_a_rotation_until_it_is_interrupted(full: Logs) -> None:
    out = full.directory / "out"
    with out.open("wb") as file:
        process = subprocess.Popen(
            [*COMMAND, "-f", "-n", "1", "--json", str(full.path)], stdout=file, env=ENVIRONMENT
        )
    try:
        deadline = time.monotonic() + 30
        _await(out, "m4", deadline)
        full.path.rename(full.directory / "job.log.2")
        full.append(full.line(5))
        _await(out, "m5", deadline)
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
    finally:
        process.kill()
    assert "m3" not in out.read_text()


def test_it_needs_neither_spark_nor_kafka() -> None:
    code = (
        "import sys; import stream_telemetry.logs.reading.command; "
        "print(sorted({n.split('.')[0] for n in sys.modules} & "
        "{'pyspark', 'py4j', 'confluent_kafka', 'numpy'}))"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], env=ENVIRONMENT, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"


def _await(file: Path, text: str, deadline: float) -> None:
    while text not in file.read_text():
        assert time.monotonic() < deadline, file.read_text()
        time.sleep(0.05)
