"""A process that logs to a file, so that a test can do to it what cannot be done to its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

LIB = Path(__file__).resolve().parents[1] / "lib"
PREAMBLE = """
import json, logging, os, resource, sys
from pathlib import Path
from stream_telemetry.logs.files.own_file import OwnFile
from stream_telemetry.logs.files.whole_lines import LostLines
from stream_telemetry.logs.lines import JsonLines

class Told(logging.Handler):
    def emit(self, record):
        told.append(record.getMessage())

told, lost, path = [], LostLines(), Path(sys.argv[1])
log = logging.getLogger("ours")

def start(max_bytes=20_000):
    file = OwnFile(path, lost, max_bytes=max_bytes)
    file.setFormatter(JsonLines())
    logging.basicConfig(level="INFO", handlers=[file, Told()])
    return file

def write(*numbers):
    for n in numbers:
        log.info("line", extra={"n": n})
"""


def log_process(program: str, path: Path, *, before: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    """Runs `program` behind `PREAMBLE`.

    Args:
        program: may use `start`, `write`, `log`, `lost`, `told` and `path`.
        path: of the log file.
        before: a command that runs it, such as one that makes a namespace.
    """
    return subprocess.Popen(
        [*before, sys.executable, "-c", PREAMBLE + program, str(path)],
        env={**os.environ, "PYTHONPATH": str(LIB)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def output_of(process: subprocess.Popen[str]) -> str:
    """What it says until it ends, which it must do without a word on standard error."""
    output, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (0, "")
    return output
