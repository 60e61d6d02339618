"""Every metric there is: the one place where names, labels and buckets are written.

Those named `kafka_…` are given by the observability guide that the project follows. Those named
`stream_…` describe any query, `model_…` the model it scores with. `docs/metrics.md` is made from
this: `python -m stream_telemetry.metrics.page`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["counter", "gauge", "histogram", "info"]
Source = Literal["scrape", "push"]

PROCESSING_BUCKETS = (
    *(1e-6, 2e-6, 5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 0.001, 0.0025),
    *(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
"""The guide's buckets, and finer ones below: a record takes microseconds."""
END_TO_END_BUCKETS = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
    *(30.0, 60.0, 300.0, 900.0, 3600.0, 21600.0, 86400.0),
)
"""From the milliseconds of real-time mode to the day after an outage."""
BATCH_BUCKETS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0)
SIZE_BUCKETS = (0.0, 1.0, 10.0, 100.0, 1e3, 1e4, 1e5, 1e6)

STATUSES = ("success", "failed")
PHASES = (
    *("triggerExecution", "latestOffset", "getBatch", "queryPlanning"),
    *("walCommit", "addBatch", "commitOffsets", "other"),
)
"""Keys of `durationMs` in Spark's progress; `triggerExecution` is the whole of a batch."""
STATES = ("starting", "running", "idle", "stalled", "lagging", "restarting", "stopping", "failed")
WORKERS = ("events", "lag", "push", "records")
"""The telemetry's threads: Spark's events, the broker, the Pushgateway, lines about records."""
UNKNOWN = "unknown_error"
"""The error type of a record whose own type is not one of the query's."""


@dataclass(frozen=True)
class Metric:
    """One metric: what it is called, what it means, and on which dashboard it is shown."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    shown: str = "overview"
    source: Source = "scrape"

    @property
    def unit(self) -> str:
        """The unit, which the name ends with; empty for plain numbers."""
        base = self.name.removesuffix("_total")
        return next((unit for unit in ("seconds", "ratio") if base.endswith(f"_{unit}")), "")


PROCESSED = Metric(
    "kafka_messages_processed_total",
    "counter",
    "Records that the query has dealt with, by what became of them.",
    ("status", "topic"),
)
FAILED = Metric(
    "kafka_messages_failed_total",
    "counter",
    "Records that became dead letters, by the step that refused them.",
    ("error_type", "topic"),
)
PROCESSING_LATENCY = Metric(
    "kafka_processing_latency_seconds",
    "histogram",
    "Time that one record spent in a step of the plan, measured on the executor.",
    ("operation",),
    PROCESSING_BUCKETS,
)
LAG = Metric(
    "kafka_consumer_lag",
    "gauge",
    "Records between the committed position and the end of the partition.",
    ("topic", "partition"),
)
MODEL_LOADED = Metric("kafka_consumer_model_loaded", "gauge", "1 when the model is loaded, else 0.")
BROKER_CONNECTED = Metric(
    "kafka_consumer_broker_connected", "gauge", "1 when the broker answers, else 0."
)
INFO = Metric(
    "kafka_consumer_info",
    "info",
    "What runs; mode batch means a run over what there is, then an end.",
    ("version", "mode", "broker", "consumer_group", "model_backend"),
)
END_TO_END = Metric(
    "stream_end_to_end_latency_seconds",
    "histogram",
    "Time from a record's Kafka timestamp until the plan was done with it; at most 31 days.",
    (),
    END_TO_END_BUCKETS,
    "latency and throughput",
)
VIOLATIONS = Metric(
    "stream_rule_violations_total",
    "counter",
    "Broken rules, by field of the contract; message: the whole message, unknown: other fields.",
    ("field",),
    shown="data quality",
)
RECORDS_READ = Metric(
    "stream_records_read_total", "counter", "Records that Spark says it has read."
)
UNACCOUNTED = Metric(
    "stream_records_unaccounted",
    "gauge",
    "Records of this run that were read but not seen leaving, or the other way round. Must be 0.",
    shown="data quality",
)
RECORDS_LOST = Metric(
    "stream_records_lost_total",
    "counter",
    "Records that Kafka deleted before the query had read them.",
    ("topic", "partition"),
    shown="data quality",
)
LAG_SECONDS = Metric(
    "stream_lag_seconds",
    "gauge",
    "Age of the oldest record that has not been dealt with, by its Kafka timestamp.",
    ("topic", "partition"),
    shown="latency and throughput",
)
BATCHES = Metric(
    "stream_batches_total", "counter", "Batches completed.", shown="latency and throughput"
)
BATCH_DURATION = Metric(
    "stream_trigger_duration_seconds",
    "histogram",
    "Time that a batch took, planning and commits included.",
    (),
    BATCH_BUCKETS,
    "latency and throughput",
)
BATCH_RECORDS = Metric(
    "stream_records_per_batch",
    "histogram",
    "Records in a batch.",
    (),
    SIZE_BUCKETS,
    "latency and throughput",
)
PHASE_SECONDS = Metric(
    "stream_phase_duration_seconds_total",
    "counter",
    "Time spent in each phase of the batches, as Spark names them.",
    ("phase",),
    shown="latency and throughput",
)
BUSY_RATIO = Metric(
    "stream_busy_ratio",
    "gauge",
    "Share of the time since the batch before that the latest batch took; 1: no reserve left.",
    shown="latency and throughput",
)
PROGRESS_AGE = Metric(
    "stream_progress_age_seconds",
    "gauge",
    "Time since the query was last heard of: a batch, a sign of idleness, or its end.",
)
STATE = Metric("stream_state", "gauge", "1 for the state that the query is in.", ("state",))
LISTENER_ERRORS = Metric(
    "stream_listener_errors_total",
    "counter",
    "Events of the query that could not be evaluated; their figures are missing.",
)
POLL_ERRORS = Metric(
    "stream_broker_poll_errors_total",
    "counter",
    "Times that the broker did not tell its offsets.",
)
COMMIT_ERRORS = Metric(
    "stream_commit_errors_total",
    "counter",
    "Times that progress could not be committed to the consumer group; Spark's own is safe.",
)
PUSH_ERRORS = Metric(
    "stream_push_errors_total", "counter", "Pushes that the Pushgateway did not take."
)
WORKER_ERRORS = Metric(
    "stream_worker_errors_total",
    "counter",
    "Errors that nobody has thought of in the telemetry's own threads; each goes on after one.",
    ("worker",),
)
WORKER_UP = Metric(
    "stream_worker_up",
    "gauge",
    "1 when this thread of the telemetry does its work; 0 when it is dead, hangs or only fails.",
    ("worker",),
)
RESTARTS = Metric(
    "stream_restarts_total",
    "counter",
    "Times that the query was started again after a failure that can pass.",
)
LOG_SUPPRESSED = Metric(
    "stream_log_lines_suppressed_total",
    "counter",
    "Lines about single records that the log's rate limit left out.",
    ("status",),
    shown="data quality",
)
LOG_ERRORS = Metric(
    "stream_log_errors_total",
    "counter",
    "Log lines that could not be written, because a disk is full, say.",
)
MODEL_INFO = Metric("model_info", "info", "The model that scores.", ("version",))
MODEL_CREATED = Metric(
    "model_created_timestamp_seconds",
    "gauge",
    "When the model was made; its age is time() minus this.",
)


def _pushed(name: str, help_text: str) -> Metric:
    return Metric(name, "gauge", help_text, shown="spark and push", source="push")


BATCH_ID = _pushed("stream_batch_id", "Number of the latest batch.")
BATCH_READ = _pushed("stream_batch_records_read", "Records in it.")
BATCH_SUCCEEDED = _pushed("stream_batch_records_succeeded", "Those of them that passed.")
BATCH_FAILED = _pushed("stream_batch_records_failed", "Those that became dead letters.")
BATCH_TOOK = _pushed("stream_batch_duration_seconds", "Time that it took.")
BATCH_END = _pushed("stream_batch_end_timestamp_seconds", "When it ended.")
RUN_BATCHES = _pushed("stream_run_batches", "Batches since the start of the run.")
RUN_READ = _pushed("stream_run_records_read", "Records in them.")
RUN_SUCCEEDED = _pushed("stream_run_records_succeeded", "Those of them that passed.")
RUN_FAILED = _pushed("stream_run_records_failed", "Those that became dead letters.")
RUN_START = _pushed("stream_run_start_timestamp_seconds", "When the run started.")
RUN_END = _pushed("stream_run_end_timestamp_seconds", "When it ended; 0 while it lasts.")
RUN_OK = _pushed("stream_run_succeeded", "1 when it ended as it should; 0 while it lasts.")

CATALOGUE: tuple[Metric, ...] = tuple(
    value for value in list(globals().values()) if isinstance(value, Metric)
)
"""All of them, in the order in which they are written above."""
