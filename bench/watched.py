"""Looks at the job's processes from outside."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Self

_TICKS = os.sysconf("SC_CLK_TCK")
_INTERVAL_SECONDS = 0.5
CAUSES = {
    "C2 CompilerThre": "C2",
    "C1 CompilerThre": "C1",
    "GC Thread": "garbage",
    "G1 ": "garbage",
    "Executor task": "tasks",
    "stream executio": "batches",
    "kafka-producer": "Kafka",
    "rdk:": "Kafka",
    "python": "Python",
}
"""What a thread does, by the beginning of the name that the kernel knows it by."""
OTHER = "other"


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
    _, fields = _stat(Path(f"/proc/{pid}"))
    return (int(fields[11]) + int(fields[12])) / _TICKS if fields else 0.0


def tree_seconds(root: int) -> float:
    """Processor time that a process, its descendants and those it has waited for have taken."""
    return sum(_tree(root).values()) / _TICKS


class Meter:
    """Processor time of a process and its descendants, by cause, over time.

    In a `with` statement it samples them in the background.

    Attributes:
        times: of the samples, seconds since 1970.
    """

    def __init__(self, root: int) -> None:
        self.times: list[float] = []
        self._root = root
        self._threads: dict[tuple[int, int], tuple[str, int]] = {}
        self._samples: list[Mapping[str, float]] = []
        self._stop = threading.Event()
        self._sampler = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self.sample()
        self._sampler.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._sampler.join()
        self.sample()

    def sample(self) -> None:
        """Notes what has been taken until now."""
        now, total = time.time(), 0
        for pid, ticks in _tree(self._root).items():
            total += ticks
            for task in Path(f"/proc/{pid}/task").glob("*"):
                name, fields = _stat(task)
                if fields and (cause := _cause(name)):
                    self._threads[pid, int(task.name)] = cause, int(fields[11]) + int(fields[12])
        spent = Counter[str]()
        # Those that have ended are still in it.
        for cause, ticks in self._threads.values():
            spent[cause] += ticks
        spent[OTHER] = total - spent.total()
        self.times.append(now)
        self._samples.append({cause: ticks / _TICKS for cause, ticks in spent.items()})

    def between(self, begin: float, end: float) -> dict[str, float]:
        """Core-seconds from one time to another, by cause, the most expensive first."""
        causes = self._samples[-1]
        spent = {cause: self._at(end, cause) - self._at(begin, cause) for cause in causes}
        return dict(sorted(spent.items(), key=lambda item: -item[1]))

    def _run(self) -> None:
        while not self._stop.wait(_INTERVAL_SECONDS):
            self.sample()

    def _at(self, moment: float, cause: str) -> float:
        """Core-seconds until a moment, on a straight line between two samples."""
        place = min(max(bisect_left(self.times, moment), 1), len(self.times) - 1)
        begin, end = self.times[place - 1 : place + 1]
        before, after = (one.get(cause, 0.0) for one in self._samples[place - 1 : place + 1])
        share = min(max((moment - begin) / (end - begin), 0.0), 1.0)
        return before + share * (after - before)


def _cause(thread: str) -> str | None:
    return next((cause for start, cause in CAUSES.items() if thread.startswith(start)), None)


def _tree(root: int) -> dict[int, int]:
    """Ticks that a process and each descendant, with those it has waited for, have taken."""
    stats = {
        int(path.name): fields
        for path in Path("/proc").glob("[0-9]*")
        if (fields := _stat(path)[1])
    }
    family, size = {root}, 0
    while size != len(family):
        size = len(family)
        family |= {pid for pid, fields in stats.items() if int(fields[1]) in family}
    return {pid: sum(map(int, stats[pid][11:15])) for pid in family if pid in stats}


def _stat(process: Path) -> tuple[str, list[str]]:
    """The name of a process or thread, and the fields of its `stat` behind that; none if gone."""
    try:
        head, _, fields = (process / "stat").read_text().rpartition(")")
    except OSError:
        return "", []
    return head.partition("(")[2], fields.split()
