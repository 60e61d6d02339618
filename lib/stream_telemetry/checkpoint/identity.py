"""A checkpoint's identity, written inside it, so that another one in its place is noticed."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields, replace
from typing import NamedTuple, Self

from stream_telemetry.batch.progress import Positions, read_positions
from stream_telemetry.checkpoint.files import CheckpointFiles
from stream_telemetry.checkpoint.logs import offsets_json

FILE = "identity.json"
OLD_FILE = "source.json"
"""Written by version 0.1, with the topic only."""


class SourceIdentity(NamedTuple):
    """What tells a topic from another one of the same name; None where the broker does not say."""

    cluster_id: str | None
    topic: str
    topic_id: str | None

    def may_be(self, other: SourceIdentity) -> bool:
        """Whether they agree in all that is known of both."""
        return all(a == b for a, b in zip(self, other, strict=True) if a and b)


@dataclass(frozen=True)
class Identity:
    """What a checkpoint says of itself.

    Attributes:
        topic: that its offsets count in, with `topic_id` and `cluster_id`.
        query: Spark's id of the query, once it has planned a batch.
        first_run: id of the run that made the checkpoint, or was the first one to write one.
        first_run_at: when that was (ISO 8601, UTC); empty for a checkpoint that is older.
        reached: what the query had read when its checkpoint was found to be gone.
        ended: why the query must not go on with it; empty if it may.
    """

    topic: str
    topic_id: str | None = None
    cluster_id: str | None = None
    query: str = ""
    first_run: str = ""
    first_run_at: str = ""
    reached: Positions = field(default_factory=dict)
    ended: str = ""

    @property
    def source(self) -> SourceIdentity:
        """The topic."""
        return SourceIdentity(self.cluster_id, self.topic, self.topic_id)

    @property
    def origin(self) -> str:
        """Where the checkpoint comes from, for people."""
        if not self.first_run_at:
            return f"made on {self.topic}"
        return f"made on {self.topic} at {self.first_run_at} by run {self.first_run}"

    @classmethod
    def read(cls, files: CheckpointFiles) -> Self | None:
        """The identity in a checkpoint; None if it has none.

        Raises:
            CheckpointFileError: it cannot be read.
            ValueError: it is damaged.
        """
        if (text := files.read(FILE)) is not None:
            known = json.loads(text)
        elif (text := files.read(OLD_FILE)) is not None:
            known = _of_version_0_1(json.loads(text))
        else:
            return None
        if not isinstance(known, dict) or not isinstance(known.get("topic"), str):
            raise ValueError("it names no topic")
        # A later version may have written more.
        names = {field.name for field in fields(cls)}
        values = {name: value for name, value in known.items() if name in names}
        reached = read_positions(json.dumps(values.pop("reached", {})))
        return cls(**values, reached=reached)

    def write(self, files: CheckpointFiles) -> None:
        """Puts it into a checkpoint.

        Raises:
            CheckpointFileError: it cannot be written.
        """
        values = asdict(self) | {"reached": json.loads(offsets_json(self.reached))}
        files.write(FILE, json.dumps(values, indent=1))

    def begun_by(self, query: str) -> Identity:
        """The same, of a query that has planned a batch."""
        return replace(self, query=self.query or query)


def _of_version_0_1(known: object) -> object:
    """The same, its topic's id with - and _ as Kafka writes it; librdkafka has + and /."""
    if isinstance(known, dict) and isinstance(known.get("topic_id"), str):
        return known | {"topic_id": known["topic_id"].replace("+", "-").replace("/", "_")}
    return known
