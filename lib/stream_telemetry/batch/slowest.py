"""The slowest record of a batch: how long it took, where it is, and what trace it is part of."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import Column
from pyspark.sql import functions as F

TRACEPARENT = "traceparent"
"""The header of W3C Trace Context."""
MOST_LABEL_CHARACTERS = 128
"""Of all names and values of an exemplar together (OpenMetrics 1.0, 'Exemplars')."""

_TIE_BITS = 20
# 55 characters; later versions may go on after another hyphen (Trace Context, 'Versioning').
_PARENT = re.compile(
    r"(?!ff)(?!00-.{52}.)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}"
    r"(?:-.*)?",
    re.DOTALL,
)
_PARENT_BYTES = 56
_MILLISECONDS = 1000  # a second


@dataclass(frozen=True)
class Span:
    """Where a record's sender was in its own work.

    Attributes:
        trace_id: 32 hexadecimal digits.
        span_id: 16 of them.
    """

    trace_id: str
    span_id: str


@dataclass(frozen=True)
class SlowRecord:
    """A record that took longer than all others from its timestamp to the end of the plan."""

    seconds: float
    partition: int
    offset: int
    span: Span | None = None  # None without a valid `traceparent`

    def labels(self, topic: str) -> Mapping[str, str]:
        """What an exemplar says: `partition`, `offset`, `trace_id`, `topic`, `span_id`.

        The last two are left out where there is no room for them.
        """
        trace = {"trace_id": self.span.trace_id} if self.span else {}
        span = {"span_id": self.span.span_id} if self.span else {}
        place = {"partition": str(self.partition), "offset": str(self.offset)}
        labels: dict[str, str] = {}
        room = MOST_LABEL_CHARACTERS
        for name, value in {**place, **trace, "topic": topic, **span}.items():
            if len(name) + len(value) <= room:
                labels[name] = value
                room -= len(name) + len(value)
        return labels


def slower(one: SlowRecord | None, other: SlowRecord | None) -> SlowRecord | None:
    """The slower of two records, of which there may be one, or none."""
    return max(filter(None, (one, other)), key=lambda record: record.seconds, default=None)


def place_cols(age: Column) -> dict[str, Column]:
    """What `slowest_col` needs of a record besides its age, by name.

    Reads `partition` INT and `offset` BIGINT. `slowness` BIGINT is greater for the older record,
    and among equally old ones mostly for the first. Without that each of many equally old records
    would be a new maximum, which costs more than to compare them.

    Args:
        age: BIGINT milliseconds, at least 0, of at most 43 binary digits.
    """
    earlier = F.bitwise_not("offset").bitwiseAND(F.lit((1 << _TIE_BITS) - 1))
    return {
        "slowness": F.shiftleft(age, _TIE_BITS).bitwiseOR(earlier),
        "partition": F.col("partition"),
        "offset": F.col("offset"),
    }


def slowest_col(prefix: str, headers: str) -> Column:
    """STRING aggregate for `observe()`: the slowest record, as `read_slowest` reads it.

    The text is made for a new maximum only, so that it may be interpreted.

    Args:
        prefix: begins the names of the columns of `place_cols`, and of `age`.
        headers: name of an ARRAY<STRUCT<key STRING, value BINARY>> column.
    """
    parents = F.filter(headers, lambda header: header["key"] == TRACEPARENT)
    # As everywhere in the job, the last header of a name counts.
    parent = F.substring(F.try_element_at(parents, F.lit(-1))["value"], 1, _PARENT_BYTES)
    place = (f"{prefix}{name}" for name in ("age", "partition", "offset"))
    return F.max_by(F.concat_ws(" ", *place, parent.cast("string")), f"{prefix}slowness")


def read_slowest(text: str | None) -> SlowRecord | None:
    """The record that `slowest_col` found; None in a batch without records.

    Raises:
        ValueError: it is not such a text.
    """
    if text is None:
        return None
    age, partition, offset, *rest = text.split(" ", 3)
    parent = _PARENT.fullmatch(rest[0]) if rest else None
    span = Span(*parent.groups()) if parent else None
    return SlowRecord(int(age) / _MILLISECONDS, int(partition), int(offset), span)
