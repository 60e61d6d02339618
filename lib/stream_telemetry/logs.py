"""Log lines for machines (JSON, in a file) and for people (on the console)."""

from __future__ import annotations

import logging
import sys
import time
from logging.handlers import RotatingFileHandler
from pathlib import Path

from pythonjsonlogger.json import JsonFormatter

MAX_BYTES = 10_000_000
BACKUPS = 5

_FIELDS = ("asctime", "levelname", "name", "message", "module", "funcName", "lineno")
_NAMES = {
    "asctime": "timestamp",
    "levelname": "level",
    "name": "logger",
    "funcName": "function",
    "lineno": "line",
}


class _UtcJson(JsonFormatter):
    """One JSON object a line; ASCII only, so that no character of a record can break a line."""

    def __init__(self) -> None:
        super().__init__(list(_FIELDS), rename_fields=_NAMES, json_ensure_ascii=True)
        self.converter = time.gmtime
        self.default_time_format = "%Y-%m-%dT%H:%M:%S"
        self.default_msec_format = "%s.%03dZ"


def configure_logging(directory: Path, name: str, level: str, loggers: tuple[str, ...]) -> None:
    """Sends `loggers` at `level` to `directory/NAME.log` (JSON) and to standard error (text).

    Other loggers, those of libraries, are heard from WARNING on. A file that cannot be written is
    one line on the console, and the console goes on.
    """
    console = logging.StreamHandler(sys.stderr)
    console.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(message)s", "%H:%M:%S"))
    handlers: list[logging.Handler] = [console]
    trouble = None
    try:
        directory.mkdir(parents=True, exist_ok=True)
        file = RotatingFileHandler(
            directory / f"{name}.log", maxBytes=MAX_BYTES, backupCount=BACKUPS, encoding="utf-8"
        )
        file.setFormatter(_UtcJson())
        handlers.append(file)
    except OSError as error:
        trouble = error
    logging.basicConfig(level=logging.WARNING, handlers=handlers, force=True)
    for logger in loggers:
        logging.getLogger(logger).setLevel(level)
    if trouble is not None:
        logging.getLogger(loggers[0]).warning(
            "no log file: %s cannot be written (%s); set --log-dir", directory, trouble.strerror
        )
