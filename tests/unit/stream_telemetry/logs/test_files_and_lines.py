from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stream_telemetry.logs.configure import LogTargets, close_logging, configure_logging
from stream_telemetry.logs.files import LostLines, OwnFile, QuietStream
from stream_telemetry.logs.lines import MAX_CHARS, JsonLines

LIB = Path(__file__).resolve().parents[4] / "lib"
Configure = Callable[..., LostLines]


@pytest.fixture
def configure(tmp_path: Path) -> Iterator[Configure]:
    """Sets up logging below `tmp_path`; afterwards all is as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level

    def configured(
        level: str = "INFO", directory: Path = tmp_path, run_directory: Path | None = None
    ) -> LostLines:
        return configure_logging(
            LogTargets(
                name="job",
                directory=directory,
                level=level,
                loggers=("ours",),
                run_directory=run_directory,
            )
        )

    yield configured
    close_logging()
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def file_logger(tmp_path: Path) -> Iterator[Callable[..., tuple[logging.Logger, LostLines]]]:
    """A logger that writes to one file only."""
    open_files = []

    def make(path: Path, max_bytes: int) -> tuple[logging.Logger, LostLines]:
        lost = LostLines()
        handler = OwnFile(path, lost, max_bytes)
        handler.setFormatter(JsonLines())
        logger = logging.getLogger(f"file.{path}")
        logger.setLevel(logging.INFO)
        logger.propagate = False
        logger.addHandler(handler)
        open_files.append(handler)
        return logger, lost

    yield make
    for handler in open_files:
        handler.close()


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
        "module": "test_files_and_lines",
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


def test_files_are_for_their_user_only(configure: Configure, tmp_path: Path) -> None:
    configure(directory=tmp_path / "logs", run_directory=tmp_path / "runs")
    logging.getLogger("ours").info("something")
    for path in [tmp_path / "logs", tmp_path / "runs", *tmp_path.glob("*/*")]:
        assert path.stat().st_mode & 0o077 == 0, path


def test_a_directory_that_cannot_be_written_is_one_line_on_the_console(
    configure: Configure, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    configure(directory=blocked / "logs")
    logging.getLogger("ours").info("still here")
    warning, line = capsys.readouterr().err.splitlines()
    assert "cannot be written" in warning
    assert "--log-dir" in warning
    assert "still here" in line


def test_rotation_loses_nothing(
    tmp_path: Path, file_logger: Callable[..., tuple[logging.Logger, LostLines]]
) -> None:
    logger, lost = file_logger(tmp_path / "job.log", 2000)
    for number in range(40):
        logger.info("line", extra={"number": number})
    backups = sorted(tmp_path.glob("job.log.[0-9]"), reverse=True)
    assert len(backups) > 2
    assert all(path.stat().st_size <= 2000 for path in backups)
    found = entries(*backups, tmp_path / "job.log")
    assert [entry["number"] for entry in found] == list(range(40))
    assert lost.count == 0


def test_a_second_process_has_a_file_of_its_own_until_the_first_ends(tmp_path: Path) -> None:
    program = (
        "import logging, sys; from pathlib import Path;"
        "from stream_telemetry.logs.files import *; from stream_telemetry.logs.lines import *;"
        "h = OwnFile(Path(sys.argv[1]), LostLines(), 20_000); h.setFormatter(JsonLines());"
        "log = logging.Logger('ours'); log.addHandler(h); print('up', flush=True);"
        "input(); [log.info('line', extra={'n': n}) for n in range(300)];"
        "print('done', flush=True); input()"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "job.log")]
    environment = {**os.environ, "PYTHONPATH": str(LIB)}
    processes = [
        subprocess.Popen(
            command,
            text=True,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for _ in range(2)
    ]
    for stage in ("up", "done"):
        for process in processes:
            assert process.stdout
            assert process.stdout.readline() == f"{stage}\n"
        for process in processes:
            assert process.stdin
            process.stdin.write("\n")
            process.stdin.flush()
    for process in processes:
        process.communicate()
    for stem in ("job", "job-2"):
        found = entries(*sorted(tmp_path.glob(f"{stem}.log.[0-9]"), reverse=True))
        found += entries(tmp_path / f"{stem}.log")
        assert [entry["n"] for entry in found] == list(range(300))
    after = OwnFile(tmp_path / "job.log", LostLines())
    assert after.baseFilename == str(tmp_path / "job.log")
    after.close()


def test_a_full_disk_costs_lines_that_are_counted_and_tears_none(tmp_path: Path) -> None:
    # A limit on the file's size is met as a full disk is: by a write that ends too early.
    program = (
        "import logging, resource, sys; from pathlib import Path;"
        "from stream_telemetry.logs.files import *; from stream_telemetry.logs.lines import *;"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5000, resource.RLIM_INFINITY));"
        "lost = LostLines(); h = OwnFile(Path(sys.argv[1]), lost); h.setFormatter(JsonLines());"
        "log = logging.Logger('ours'); log.addHandler(h);"
        "[log.info('line', extra={'n': n}) for n in range(100)]; print(lost.count);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2);"
        "log.info('there is room again')"
    )
    result = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "job.log")],
        env={**os.environ, "PYTHONPATH": str(LIB)},
        capture_output=True,
        text=True,
        check=True,
    )
    found = entries(tmp_path / "job.log")
    assert found[-1]["message"] == "there is room again"
    assert len(found) - 1 + int(result.stdout) == 100
    assert result.stderr == ""


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
