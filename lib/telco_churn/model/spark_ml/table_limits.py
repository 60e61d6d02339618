"""How large a stage's table may be, seen before it is read.

Parquet packs well: ten million equal numbers take a few hundred bytes, and a text that is written
once may stand in a million rows.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

MOST_VALUES = 10_000_000
"""In a table; a node of a tree has about fifteen."""
MOST_BYTES = 256 * 2**20
"""Of a table once it is unpacked."""
MOST_PIECES = 10_000
"""A file has one for each column of each group of rows."""
MOST_TEXT = 256 * 2**20
"""Characters, over all rows."""
_MARK = b"PAR1"
"""A parquet file begins and ends with it."""


def check_extent(jvm: Any, sources: Iterable[Path]) -> None:
    """Asks the ends of parquet files what is in them; a reader holds these to what they say.

    Args:
        jvm: has Spark's classes.
        sources: the files of one table.

    Raises:
        ValueError: they hold too much, or one is no parquet file.
        Py4JError: one is damaged.
    """
    values = unpacked = 0
    for number, (count, size) in enumerate(_pieces(jvm, sources), 1):
        # Below zero they would take off what others add.
        values += max(count, 0)
        unpacked += max(size, 0)
        for found, most, what in (
            (number, MOST_PIECES, "columns in groups of rows"),
            (values, MOST_VALUES, "values"),
            (unpacked, MOST_BYTES, "bytes, unpacked"),
        ):
            if found > most:
                raise ValueError(f"a table of more than {most:,} {what}")


class Texts:
    """Counts the characters that a table's rows have brought."""

    def __init__(self) -> None:
        self._left = MOST_TEXT

    def taken(self, text: str) -> str:
        """The text; raises ValueError once there were too many characters."""
        self._left -= len(text)
        if self._left < 0:
            raise ValueError(f"a table with more than {MOST_TEXT:,} characters in its rows")
        return text


def _check_marks(source: Path) -> None:
    # Java's reader of local files does not name them.
    with source.open("rb") as file:
        head = file.read(len(_MARK))
        file.seek(-min(len(head), len(_MARK)), os.SEEK_END)
        if (head, file.read()) != (_MARK, _MARK):
            raise ValueError(f"{source} is not a Parquet file")


def _pieces(jvm: Any, sources: Iterable[Path]) -> Iterator[tuple[int, int]]:
    """Values, and bytes once unpacked, of each column of each group of rows."""
    for source in sources:
        _check_marks(source)
        file = jvm.org.apache.parquet.io.LocalInputFile(jvm.java.io.File(str(source)).toPath())
        reader = jvm.org.apache.parquet.hadoop.ParquetFileReader.open(file)
        try:
            for block in reader.getFooter().getBlocks():
                for column in block.getColumns():
                    yield int(column.getValueCount()), int(column.getTotalUncompressedSize())
        finally:
            reader.close()
