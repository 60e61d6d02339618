"""The query that is watched, and where its telemetry is shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from stream_telemetry.health import Health
from stream_telemetry.logs.records import RecordLogPlan
from stream_telemetry.metrics.store import MetricStore
from stream_telemetry.otlp.settings import OtlpSettings
from stream_telemetry.outlets.push import PushThread
from stream_telemetry.outlets.run_report import RunReport
from stream_telemetry.outlets.sender import Sender
from stream_telemetry.outlets.settings import ExporterSettings


@dataclass(frozen=True, kw_only=True)
class Stream:
    """The query that is watched.

    Attributes:
        query: the name given to it by `queryName`.
        topic: the topic that it reads.
        beside: other topics that it reads too; of them only lag and losses are told.
        broker: bootstrap servers.
        consumer_group: the group that its progress is committed to.
        checkpoint: directory or URI of its checkpoint.
        starting_offsets: what Spark is told for a new checkpoint.
        mode: batch for a run that ends when it has read all there is.
        batch_seconds: from one batch to the next, by the trigger; 0 for no pause.
        is_realtime: whether batches are long, and records do not wait for their end.
        version: of the job.
        model_backend: what kind of model it scores with; empty for none.
        client: librdkafka's settings; the bootstrap servers need not be among them.
        commits: whether progress is committed to the group.
        logger: name of the logger that the query's own lines go to.
    """

    query: str
    topic: str
    broker: str
    consumer_group: str
    checkpoint: str
    beside: tuple[str, ...] = ()
    starting_offsets: str = "earliest"
    mode: Literal["streaming", "batch"] = "streaming"
    batch_seconds: float = 0.0
    is_realtime: bool = False
    version: str = ""
    model_backend: str = ""
    client: Mapping[str, str] = field(default_factory=dict)
    commits: bool = True
    logger: str = "stream_telemetry"


@dataclass(frozen=True, kw_only=True)
class Outlets:
    """Where the telemetry can be seen.

    Attributes:
        exporter: the HTTP server.
        report: of the run, to a Pushgateway; its `with` block encloses the telemetry's.
        otlp: a collector of OpenTelemetry.
        record_log: lines about single records, if they are wanted.
        lost_lines: gives the number of log lines that could not be written.
    """

    exporter: ExporterSettings = field(default_factory=ExporterSettings)
    report: RunReport | None = None
    otlp: OtlpSettings = field(default_factory=OtlpSettings)
    record_log: RecordLogPlan | None = None
    lost_lines: Callable[[], int] = lambda: 0

    def senders(self, stream: Stream, store: MetricStore, health: Health) -> list[Sender]:
        """What sends figures elsewhere, to be started.

        Raises:
            TelemetryError: something in the environment cannot be used.
        """
        found: list[Sender] = []
        if self.report:
            found.append(PushThread(self.report, store, health))
        if endpoint := self.otlp.otlp_endpoint:
            # An extra, and a second of imports.
            from stream_telemetry.otlp.thread import OtlpThread

            found.append(OtlpThread(endpoint, self.otlp.otlp_interval, stream, store, health))
        return found
