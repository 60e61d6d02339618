"""Sends log lines where they belong: a JSON file, a file for people, the console."""

from __future__ import annotations

import logging
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from stream_telemetry.logs.files import LostLines, OwnFile, QuietStream, WholeLines, run_file
from stream_telemetry.logs.lines import JsonLines, ReadableLines
from stream_telemetry.logs.rate_limit import RateLimit

READABLE_RECORDS_PER_SECOND = 10
"""Most lines about single records a second where people read."""


@dataclass(frozen=True, kw_only=True)
class LogTargets:
    """Where lines go.

    Attributes:
        name: of the JSON file, `NAME.log`.
        directory: of the JSON file.
        level: least level of `loggers`; others, those of libraries, are heard from WARNING on.
        loggers: names of our own loggers.
        run_directory: gets a file for people, for this run alone; None for none.
        run_name: the beginning of its name; the time of the start follows.
    """

    name: str
    directory: Path
    level: str
    loggers: tuple[str, ...]
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


def configure_logging(targets: LogTargets, console: logging.Handler | None = None) -> LostLines:
    """Sets up all logging of this process.

    A file that cannot be written is one line on the console, and the console goes on.

    Args:
        targets: where lines go.
        console: takes the lines for people; by default, standard error.

    Returns:
        The count of lines that could not be written, which grows.
    """
    lost = LostLines()
    console = console or QuietStream(sys.stderr, lost)
    console.setFormatter(ReadableLines("%H:%M:%S", has_colours=_has_colours(sys.stderr)))
    handlers = [console]
    troubles: list[tuple[Path | None, str, OSError]] = []
    try:
        handlers.append(_json_file(targets, lost))
    except OSError as error:
        troubles.append((targets.directory, "--log-dir", error))
    try:
        if targets.run_directory:
            handlers.append(_run_file(targets, targets.run_directory, lost))
    except OSError as error:
        troubles.append((targets.run_directory, "--run-log-dir", error))
    if targets.level != "DEBUG":
        for handler in handlers:
            if isinstance(handler.formatter, ReadableLines):
                handler.addFilter(FewRecords())
    logging.basicConfig(level=logging.WARNING, handlers=handlers, force=True)
    for logger in targets.loggers:
        logging.getLogger(logger).setLevel(targets.level)
    for directory, option, trouble in troubles:
        logging.getLogger(targets.loggers[0]).warning(
            "no log file: %s cannot be written (%s); set %s", directory, trouble.strerror, option
        )
    return lost


def close_logging() -> None:
    """Ends the files; the console is left as it is."""
    root = logging.getLogger()
    for handler in [*root.handlers]:
        if isinstance(handler, WholeLines):
            root.removeHandler(handler)
            handler.close()


def _json_file(targets: LogTargets, lost: LostLines) -> OwnFile:
    file = OwnFile(targets.directory / f"{targets.name}.log", lost)
    file.setFormatter(JsonLines())
    return file


def _run_file(targets: LogTargets, directory: Path, lost: LostLines) -> WholeLines:
    started = time.strftime("%Y%m%d_%H%M%S", time.gmtime())
    file = run_file(directory, f"{targets.run_name}_{started}", lost)
    file.setFormatter(ReadableLines())
    return file


def _has_colours(stream: TextIO) -> bool:
    """Whether to colour; NO_COLOR and FORCE_COLOR (no-color.org, force-color.org) win."""
    if os.environ.get("NO_COLOR"):
        return False
    # spark-submit puts a pipe before the terminal; its script knows better.
    return stream.isatty() or bool(os.environ.get("FORCE_COLOR"))
