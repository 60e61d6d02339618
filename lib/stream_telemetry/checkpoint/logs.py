"""What Spark's own logs in a checkpoint say: which batches were planned, and which were done.

A batch is planned by a file in `offsets/`, and done by one of the same name in `commits/`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace

from stream_telemetry.batch.progress import Positions, read_positions
from stream_telemetry.checkpoint.files import CheckpointFiles

OFFSETS, COMMITS = "offsets", "commits"
FIRST_OFFSETS = "sources/0/0"
"""Where the query's first batch begins."""
FORMATS = (1, 2)
"""Known formats of both logs. Spark 4.2 writes the second one of `offsets/` where a site sets
`spark.sql.streaming.offsetLog.formatVersion`; there a source's line begins with its name."""


class UnknownFormatError(Exception):
    """A log is in a format that came after this was written."""


@dataclass(frozen=True)
class Plan:
    """What a batch reads up to, as its file in `offsets/` says.

    Attributes:
        head: the lines before those of the sources: the format, the batch's own settings.
        sources: what Spark's line for each source begins with, and its offsets.
    """

    head: tuple[str, ...]
    sources: tuple[tuple[str, str], ...]

    @property
    def positions(self) -> Positions:
        """The next offset to read of each partition."""
        found: dict[tuple[str, int], int] = {}
        for _, offsets in self.sources:
            found |= read_positions(offsets)
        return found

    def up_to(self, positions: Positions) -> Plan:
        """The same plan, of a query with one source, up to other positions."""
        ((start, _),) = self.sources
        return replace(self, sources=((start, offsets_json(positions)),))

    @property
    def text(self) -> str:
        """The file."""
        return "\n".join([*self.head, *(start + offsets for start, offsets in self.sources)])


def read_plan(text: str) -> Plan:
    """The plan that a file in `offsets/`, or a source's first offsets (`sources/0/0`), holds.

    Raises:
        UnknownFormatError: it may be whole, but cannot be read here.
        ValueError: it is not whole.
    """
    # Spark begins the first offsets of a source with a zero byte, for old versions of its own.
    version, lines = _versioned(text.lstrip("\0"))
    # A source's first offsets have no line of settings.
    head = [lines.pop(0)] if len(lines) > 1 else []
    if not lines or any(not isinstance(json.loads(line), dict) for line in head):
        raise ValueError("it says nothing of offsets")
    sources = [_source(version, line) for line in lines]
    for _, offsets in sources:
        read_positions(offsets)
    return Plan((f"v{version}", *head), tuple(sources))


def check_commit(text: str) -> None:
    """Reads a file in `commits/`.

    Raises:
        UnknownFormatError: it may be whole, but cannot be read here.
        ValueError: it is not whole.
    """
    _, lines = _versioned(text)
    if not lines or any(json.loads(line) is None for line in lines):
        raise ValueError("it says nothing")


def batches_in(files: CheckpointFiles, log: str) -> list[int]:
    """The batches that one of the logs has, in order.

    Raises:
        CheckpointFileError: it cannot be listed.
    """
    # Checksums and files that are being written lie beside them.
    return sorted(int(name) for name in files.names(log) if name.isdigit())


def positions_of(files: CheckpointFiles, batch: int) -> Positions:
    """What a batch reads up to.

    Raises:
        CheckpointFileError: its file cannot be read.
        UnknownFormatError: it may be whole, but cannot be read here.
        ValueError: it is not there, or not whole.
    """
    return read_plan(files.read(f"{OFFSETS}/{batch}") or "").positions


def committed_positions(files: CheckpointFiles) -> Positions:
    """What the newest batch that was done had reached; empty when there is none.

    Raises:
        CheckpointFileError: a file cannot be read.
        UnknownFormatError: it may be whole, but cannot be read here.
        ValueError: it is not whole.
    """
    done = batches_in(files, COMMITS)
    return positions_of(files, done[-1]) if done else {}


def offsets_json(positions: Positions) -> str:
    """Positions as Spark writes them, and as its option `startingOffsets` takes them."""
    topics: dict[str, dict[str, int]] = {}
    for (topic, partition), offset in sorted(positions.items()):
        topics.setdefault(topic, {})[str(partition)] = offset
    return json.dumps(topics, separators=(",", ":"))


def _versioned(text: str) -> tuple[int, list[str]]:
    first, *lines = text.splitlines() or [""]
    found = re.fullmatch(r"v(\d+)", first)
    if found is None:
        raise ValueError("it does not begin with a format's version")
    version = int(found[1])
    if version not in FORMATS:
        raise UnknownFormatError(
            f"it is in format {version}, and {' and '.join(map(str, FORMATS))} are known"
        )
    return version, lines


def _source(version: int, line: str) -> tuple[str, str]:
    """What the line begins with, and the source's offsets; `-` stands for none."""
    name, colon, offsets = line.partition(":") if version > 1 else ("", "", line)
    return name + colon, "{}" if offsets == "-" else offsets
