"""Every metric there is: names and labels are written here, in `of_model` and in `pushed`.

The observability guide gives those named `kafka_…`. Those named `stream_…` describe any query,
`model_…` its model. `python -m stream_telemetry.metrics.page` makes `docs/metrics.md` from this.
"""

from __future__ import annotations

from stream_telemetry.metrics.bounds import (
    BATCH_BUCKETS,
    END_TO_END_BUCKETS,
    PROCESSING_BUCKETS,
    SIZE_BUCKETS,
)
from stream_telemetry.metrics.metric import Metric
from stream_telemetry.metrics.of_model import OF_MODEL
from stream_telemetry.metrics.pushed import PUSHED

STATUSES = ("success", "failed")
PHASES = (
    *("triggerExecution", "latestOffset", "getBatch", "queryPlanning"),
    *("walCommit", "addBatch", "commitOffsets", "other"),
)
"""Keys of `durationMs` in Spark's progress; `triggerExecution` is the whole of a batch."""
STATES = (
    *("starting", "running", "idle", "slow_sink", "stalled", "lagging"),
    *("restarting", "stopping", "failed"),
)
WORKERS = ("events", "lag", "otlp", "push", "records", "sink", "topics")
"""The telemetry's threads: Spark's events, the broker's offsets, OpenTelemetry, the Pushgateway,
lines about records, whether records go out, and who the topics are."""
SIGNALS = ("metrics", "traces")
UNKNOWN = "unknown_error"
"""The error type of a record whose own type is not one of the query's."""
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
    "Records between the committed position and the end of the partition, as far as they may be "
    "read; see `stream_records_held_back`.",
    ("topic", "partition"),
)
MODEL_LOADED = Metric("kafka_consumer_model_loaded", "gauge", "1 when the model is loaded, else 0.")
BROKER_CONNECTED = Metric(
    "kafka_consumer_broker_connected", "gauge", "1 when the broker answers, else 0."
)
INFO = Metric(
    "kafka_consumer_info",
    "info",
    "What runs; mode batch is a run that ends when it has read all there is.",
    ("version", "mode", "broker", "consumer_group", "model_backend"),
)
PROCESS_START = Metric(
    "process_start_time_seconds",
    "gauge",
    "When the job's process started, in seconds since 1970; it changes with each start.",
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
    "stream_records_read_total",
    "counter",
    "Records that Spark says it has read.",
    shown="latency and throughput",
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
    "Age of the oldest record that has not been dealt with: by its Kafka timestamp, but at least "
    "as long as it was seen to wait, as a producer's clock may be ahead.",
    ("topic", "partition"),
    shown="latency and throughput",
)
HELD_BACK = Metric(
    "stream_records_held_back",
    "gauge",
    "Offsets from the oldest open transaction of a producer on; the query may not read them yet.",
    ("topic", "partition"),
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
LAST_BATCH_SECONDS = Metric(
    "stream_last_batch_seconds",
    "gauge",
    "Time that the latest batch took.",
    shown="latency and throughput",
)
LAST_BATCH_RECORDS = Metric(
    "stream_last_batch_records",
    "gauge",
    "Records in the latest batch.",
    shown="latency and throughput",
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
RIGHT_MISSING = Metric(
    "stream_right_missing",
    "gauge",
    "1 while the job's user in Kafka lacks a right; it goes on without this one, and less is seen.",
    ("right", "resource"),
    shown="engine",
)
PUSH_ERRORS = Metric(
    "stream_push_errors_total", "counter", "Pushes that the Pushgateway did not take."
)
OTLP_ERRORS = Metric(
    "stream_otlp_errors_total", "counter", "Exports that no OTLP collector took.", ("signal",)
)
OTLP_DROPPED = Metric(
    "stream_otlp_dropped_total", "counter", "Spans dropped, as no OTLP collector took them."
)
WORKER_ERRORS = Metric(
    "stream_worker_errors_total",
    "counter",
    "Unexpected errors in the telemetry's own threads; each thread goes on after one.",
    ("worker",),
)
WORKER_UP = Metric(
    "stream_worker_up",
    "gauge",
    "1 when this thread of the telemetry does its work; 0 when it is dead, hangs or only fails.",
    ("worker",),
    shown="engine",
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
    shown="engine",
)
LOG_ERRORS = Metric(
    "stream_log_errors_total",
    "counter",
    "Log lines that could not be written, because a disk is full, say, and rotations that failed.",
)
MODEL_INFO = Metric("model_info", "info", "The model that scores.", ("version",))
MODEL_CREATED = Metric(
    "model_created_timestamp_seconds", "gauge", "When the model was made; its age is time() - this."
)

# Collected from the names above, so that no metric can be forgotten here.
CATALOGUE: tuple[Metric, ...] = (
    *(value for value in list(globals().values()) if isinstance(value, Metric)),
    *OF_MODEL,
    *PUSHED,
)
"""All of them: as they are written above, those of the model, then those that are pushed."""
GUIDES = (PROCESSED, FAILED, PROCESSING_LATENCY)
"""The guide's counters and histogram, which a run that ends by itself pushes too."""
GUIDES_LABEL = {"run": "once"}
"""Of their group there; panels and rules of streams want series without it."""
