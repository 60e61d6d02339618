"""Sends log lines where they belong: JSON for machines, sentences for people."""

from __future__ import annotations

import logging
import os
import select
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stream_telemetry.logs.files.own_file import OwnFile
from stream_telemetry.logs.files.whole_lines import OWNER_ONLY, LostLines, WholeLines
from stream_telemetry.logs.lines import JsonLines, ReadableLines, has_colours
from stream_telemetry.logs.rate_limit import RateLimit
from stream_telemetry.logs.settings import STANDARD_OUTPUT

"""Stands for a directory: the JSON lines go to standard output, and are all that goes there."""
READABLE_RECORDS_PER_SECOND = 10
"""Most lines about single records a second where people read."""
# A writable pipe takes at least this many bytes without blocking (PIPE_BUF).
_PIECE_BYTES = 4096
_READER_SECONDS = 1.0
"""A reader that is busy is waited for so long: lines about a batch's records come all at once."""


@dataclass(frozen=True, kw_only=True)
class LogTargets:
    """Where lines go.

    Attributes:
        name: of the JSON file, `NAME.log`.
        directory: of the JSON file, or `STANDARD_OUTPUT`; then nothing goes to the console.
        level: least level of `loggers`; others, those of libraries, are heard from WARNING on.
        loggers: names of our own loggers.
        mode: of the files.
        run_directory: gets a file for people, for this run alone; None for none.
        run_name: the beginning of its name; the time of the start follows.
    """

    name: str
    directory: Path
    level: str
    loggers: tuple[str, ...]
    mode: int = OWNER_ONLY
    run_directory: Path | None = None
    run_name: str = "run"


class FewRecords(logging.Filter):
    """Keeps lines about single records readable: failures only, and not too many of them.

    Such a line is known by its `event_type`. The JSON file has them all.
    """

    def __init__(self) -> None:
        super().__init__()
        self._rate_limit = RateLimit(READABLE_RECORDS_PER_SECOND)

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line is for people."""
        if not hasattr(record, "event_type"):
            return True
        return record.levelno > logging.INFO and self._rate_limit.take()


class QuietStream(logging.StreamHandler[Any]):
    """An open stream; lines that nobody takes are counted as lost.

    A pipe whose reader has stopped reading would otherwise hold up every thread that logs. So one
    that lets a line wait for too long is not waited for again until it has taken one.
    """

    def __init__(self, stream: Any, lost: LostLines) -> None:
        super().__init__(stream)
        self._lost = lost
        self._is_torn = False
        self._has_stopped = False

    def emit(self, record: logging.LogRecord) -> None:
        """Writes the line, if it is taken soon enough."""
        try:
            line = f"{self.format(record)}\n"
            # The line is written past Python's buffer, so what is left there goes first.
            self.stream.flush()
            file = self._file()
            if file is None:
                self.stream.write(line)
                self.stream.flush()
            elif not self._write(file, line.encode("utf-8", "backslashreplace")):
                self._lost.add()
        except Exception:
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:
        """Counts a lost line."""
        self._lost.add()

    def _write(self, file: int, line: bytes) -> bool:
        """Whether all of the line could be written; after half of one, the next begins anew."""
        line = b"\n" + line if self._is_torn else line
        for start in range(0, len(line), _PIECE_BYTES):
            # Half a line is of no use, so the rest of one that is begun is waited for.
            patience = 0.0 if self._has_stopped and not start else _READER_SECONDS
            if not select.select([], [file], [], patience)[1]:
                self._is_torn = self._is_torn or start > 0
                self._has_stopped = True
                return False
            os.write(file, line[start : start + _PIECE_BYTES])
        self._is_torn = self._has_stopped = False
        return True

    def _file(self) -> int | None:
        try:
            return int(self.stream.fileno())
        except (OSError, ValueError):  # no file, such as what a test captures
            return None


def configure_logging(targets: LogTargets, console: logging.Handler | None = None) -> LostLines:
    """Sets up all logging of this process.

    A file that cannot be written is one line in the others, and is tried again.

    Args:
        targets: where lines go.
        console: takes the lines for people; by default, standard error.

    Returns:
        The count of lines that could not be written, which grows.
    """
    lost = LostLines()
    handlers: list[logging.Handler]
    if targets.directory == STANDARD_OUTPUT:
        handlers = [QuietStream(sys.stdout, lost)]
        handlers[0].setFormatter(JsonLines())
    else:
        handlers = [console or QuietStream(sys.stderr, lost), _json_file(targets, lost)]
        handlers[0].setFormatter(ReadableLines("%H:%M:%S", has_colours=has_colours(sys.stderr)))
    if targets.run_directory:
        handlers.append(_run_file(targets, targets.run_directory, lost))
    # DEBUG is for seeing every record.
    if targets.level != "DEBUG":
        for handler in handlers:
            if isinstance(handler.formatter, ReadableLines):
                handler.addFilter(FewRecords())
    # `force`, because handlers that a library has installed would write each line once more.
    logging.basicConfig(level=logging.WARNING, handlers=handlers, force=True)
    for logger in targets.loggers:
        logging.getLogger(logger).setLevel(targets.level)
    # Only now can the other handlers show why a file could not be opened.
    for handler in handlers:
        if isinstance(handler, WholeLines):
            handler.tell()
    return lost


def close_logging() -> None:
    """Ends the files; the console is left as it is."""
    root = logging.getLogger()
    for handler in [*root.handlers]:
        if isinstance(handler, WholeLines):
            root.removeHandler(handler)
            handler.close()


def _json_file(targets: LogTargets, lost: LostLines) -> OwnFile:
    file = OwnFile(targets.directory / f"{targets.name}.log", lost, mode=targets.mode)
    file.setFormatter(JsonLines())
    return file


def _run_file(targets: LogTargets, directory: Path, lost: LostLines) -> WholeLines:
    """A file for this run, which grows without being renamed."""
    started = time.strftime("%Y%m%d_%H%M%S", time.gmtime())
    path = directory / f"{targets.run_name}_{started}.log"
    # Two runs may start within the same second.
    if path.exists():
        path = path.with_stem(f"{path.stem}_{os.getpid()}")
    file = WholeLines(path, lost, setting="--run-log-dir", mode=targets.mode, max_bytes=0)
    file.setFormatter(ReadableLines())
    return file
