"""A directory of log files whose lines were written at moments that the test chooses."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from pathlib import Path


class Logs:
    """A log and its older files; the message of each line names its second: `m7`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.path = directory / "job.log"
        self.told: list[str] = []

    def line(self, second: int, **fields: object) -> str:
        """A line that was written so many seconds after noon."""
        when = f"2026-11-28T12:{second // 60:02}:{second % 60:02}.000Z"
        known = {"timestamp": when, "level": "INFO", "message": f"m{second}"}
        return json.dumps({**known, **fields}) + "\n"

    def write(self, name: str, seconds: Iterable[int], *, is_packed: bool = False) -> Path:
        path = self.directory / name
        data = "".join(self.line(second) for second in seconds).encode()
        path.write_bytes(gzip.compress(data) if is_packed else data)
        return path

    def append(self, *lines: str) -> None:
        with self.path.open("a") as file:
            file.write("".join(lines))
