"""Looks at the job's processes from outside."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def python_of(jvm: int) -> int | None:
    """The Python process that spark-submit's JVM has started; None while there is none."""
    children = " ".join(p.read_text() for p in Path(f"/proc/{jvm}/task").glob("*/children"))
    for pid in map(int, children.split()):
        process = Path(f"/proc/{pid}")
        # Spark's launcher, a JVM, has the same arguments for a moment.
        with contextlib.suppress(OSError):
            is_python = (process / "exe").readlink().name.startswith("python")
            if is_python and "jobs/churn_stream.py" in (process / "cmdline").read_text():
                return pid
    return None


def processor_seconds(pid: int) -> float:
    """Processor time that a process has taken so far; 0 when it is gone."""
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) / _TICKS if fields else 0.0


def tree_seconds(root: int) -> float:
    """Processor time that a process, its descendants and those it has waited for have taken."""
    stats = {
        int(path.name): fields
        for path in Path("/proc").glob("[0-9]*")
        if (fields := _stat(int(path.name)))
    }
    family, size = {root}, 0
    while size != len(family):
        size = len(family)
        family |= {pid for pid, fields in stats.items() if int(fields[1]) in family}
    return sum(sum(map(int, stats[pid][11:15])) for pid in family if pid in stats) / _TICKS


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the third on (the second may hold blanks)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
