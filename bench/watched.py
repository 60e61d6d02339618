"""Looks at the job's processes from outside."""

from __future__ import annotations

import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def driver_pid(ancestor: int) -> int | None:
    """The Python driver below a process; None while there is none."""
    children: dict[int, list[int]] = {}
    for directory in Path("/proc").iterdir():
        if directory.name.isdigit() and (fields := _stat(int(directory.name))):
            children.setdefault(int(fields[1]), []).append(int(directory.name))
    found, waiting = None, [ancestor]
    while waiting:
        pid = waiting.pop()
        waiting += children.get(pid, [])
        if pid != ancestor and b"python" in _command(pid).split(b"\0")[0]:
            found = pid
    return found


def processor_seconds(pid: int) -> float:
    """Processor time that a process has taken so far; 0 when it is gone."""
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) / _TICKS if fields else 0.0


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the third on (the second may hold blanks)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
