"""What else may end a run than the query itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from pyspark.errors import StreamingQueryException
from pyspark.sql import SparkSession

from stream_telemetry.broker.topic_watch import TopicWatch
from stream_telemetry.run.alarm import Alarm
from stream_telemetry.run.lifecycle import ensure_spark_runs


@dataclass(frozen=True, kw_only=True)
class Oversight:
    """What a job knows of its query that no telemetry can know.

    Attributes:
        triage: called with each failure; what it raises ends the run.
        on_silence: called while no batch ends; may raise to end the run.
        alarm: ends the run with what another thread has found.
        watch: told of the topic's offsets while the query runs.
        renew: called all the time, with whether SIGHUP has asked for it; whether the query is to be
            started again, between two batches. Without it SIGHUP is a request to stop.
    """

    triage: Callable[[StreamingQueryException], None] = lambda error: None
    on_silence: Callable[[], None] = lambda: None
    alarm: Alarm = field(default_factory=Alarm)
    watch: TopicWatch | None = None
    renew: Callable[[bool], bool] | None = None

    def of(self, spark: SparkSession) -> Oversight:
        """The same, which in the silence first looks whether Spark was stopped under the query.

        A query that is idle does not notice it.
        """

        def look() -> None:
            """Raises SparkGoneError if it was."""
            ensure_spark_runs(spark)
            self.on_silence()

        return replace(self, on_silence=look)
