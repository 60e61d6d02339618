"""What is watched, and where the telemetry of it can be seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from stream_telemetry.logs.records import RecordLogPlan
from stream_telemetry.outlets.push import Gateway
from stream_telemetry.outlets.server import Tls


@dataclass(frozen=True, kw_only=True)
class Stream:
    """The query that is watched.

    Attributes:
        query: the name given to it by `queryName`.
        topic: the topic that it reads.
        broker: bootstrap servers.
        consumer_group: the group that its progress is committed to.
        checkpoint: directory or URI of its checkpoint.
        starting_offsets: what Spark is told for a new checkpoint.
        mode: batch for a run over what there is.
        version: of the job.
        model_backend: what kind of model it scores with; empty for none.
        client: librdkafka's settings besides the bootstrap servers.
        commits: whether progress is committed to the group.
        logger: name of the logger that the query's own lines go to.
    """

    query: str
    topic: str
    broker: str
    consumer_group: str
    checkpoint: str
    starting_offsets: str = "earliest"
    mode: Literal["streaming", "batch"] = "streaming"
    version: str = ""
    model_backend: str = ""
    client: Mapping[str, str] = field(default_factory=dict)
    commits: bool = True
    logger: str = "stream_telemetry"


@dataclass(frozen=True, kw_only=True)
class Outlets:
    """Where the telemetry can be seen.

    Attributes:
        host: address of the exporter.
        port: its port; 0 for any free one, None for no exporter.
        tls: files for TLS.
        login: `user:password` that the exporter asks for.
        gateway: the Pushgateway, if there is one.
        record_log: lines about single records, if they are wanted.
        lost_lines: gives the number of log lines that could not be written.
    """

    host: str = "127.0.0.1"
    port: int | None = 8000
    tls: Tls | None = None
    login: str | None = None
    gateway: Gateway | None = None
    record_log: RecordLogPlan | None = None
    lost_lines: Callable[[], int] = lambda: 0
