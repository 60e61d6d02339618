"""The metrics that are pushed: names of their own, so that no sum over both counts twice."""

from __future__ import annotations

from stream_telemetry.metrics.metric import Metric


# Gauges, although some only rise: each belongs to one run, and a rate over runs means nothing.
def _pushed(name: str, help_text: str) -> Metric:
    return Metric(name, "gauge", help_text, shown="scheduled runs", source="push")


BATCH_ID = _pushed("stream_batch_id", "Number of the latest batch.")
BATCH_READ = _pushed("stream_batch_records_read", "Records in it.")
BATCH_SUCCEEDED = _pushed("stream_batch_records_succeeded", "Those of them that passed.")
BATCH_FAILED = _pushed("stream_batch_records_failed", "Those that became dead letters.")
BATCH_TOOK = _pushed("stream_batch_duration_seconds", "Time that it took.")
BATCH_END = _pushed("stream_batch_end_timestamp_seconds", "When it ended; 0 before the first one.")
RUN_BATCHES = _pushed("stream_run_batches", "Batches since the start of the run.")
RUN_READ = _pushed("stream_run_records_read", "Records in them.")
RUN_SUCCEEDED = _pushed("stream_run_records_succeeded", "Those of them that passed.")
RUN_FAILED = _pushed("stream_run_records_failed", "Those that became dead letters.")
RUN_LOST = _pushed(
    "stream_run_records_lost", "Records that Kafka deleted before the run had read them."
)
RUN_STARTED = _pushed("stream_run_started_timestamp_seconds", "When the run started.")
RUN_END = _pushed("stream_run_end_timestamp_seconds", "When it ended; 0 while it lasts.")
RUN_TOOK = _pushed(
    "stream_run_duration_seconds",
    "Time from its start to its end, or to the latest push, by a clock that nobody sets.",
)
RUN_OK = _pushed(
    "stream_run_succeeded",
    "1 when it ended as it should; 0 while it lasts, or cut off.",
)
RUN_EXIT_CODE = _pushed("stream_run_exit_code", "Its exit code; -1 while it lasts.")
LAST_SUCCESS = _pushed(
    "stream_run_last_success_timestamp_seconds",
    "When a run last ended as it should; runs that fail leave it as it is.",
)
EXPECTED_INTERVAL = _pushed(
    "stream_run_expected_interval_seconds",
    "How often a scheduled run is to succeed, as its setting says; 0 without one.",
)


PUSHED: tuple[Metric, ...] = tuple(
    value for value in list(globals().values()) if isinstance(value, Metric)
)
"""All of them, in the order in which they are written above."""
