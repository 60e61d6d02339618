"""What a micro-batch of few records costs: queries back to back, into a sink that does nothing.

    python bench/small_batches.py [--rounds N] [--seconds S]

By turns in one JVM: Spark handing records through, and the job's plan, compiled and interpreted,
and without what tells drift. Each reads 150 records a batch from 3 partitions of a real Kafka, and
counts when it is warm. CPU is that of the whole JVM: planning, tasks and its compilers.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median

from drain import INPUT_TOPIC, preload
from figures import Table, arguments, tell
from plan_cost import shipped_pipeline
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.query import StreamingQuery
from watched import tree_seconds

from launcher.cache.connector import connector_jars
from launcher.java import use_chosen_java
from sandbox.kafka.broker import KafkaBroker
from telco_churn.query.session import SQL_SETTINGS
from telco_churn.query.settings import (
    BrokerSettings,
    CheckpointSettings,
    GroupSettings,
    ReadSettings,
    TopicSettings,
)
from telco_churn.query.source_and_sink import INTERPRETED, KafkaEnds

BATCH_RECORDS = 150
PRELOADED = 120_000
_KEPT_PROGRESS = 100

Plan = Callable[[DataFrame], DataFrame]


@dataclass(frozen=True)
class Query:
    """A plan to run, and what its batches took, round by round.

    Attributes:
        name: what the table calls it.
        plan: what it does to the records.
        settings: of Spark SQL, for this query only.
        taken: core-milliseconds, milliseconds, and those of planning, of a batch.
    """

    name: str
    plan: Plan
    settings: Mapping[str, str] = field(default_factory=dict)
    taken: list[tuple[float, float, float]] = field(default_factory=list)


def queries() -> list[Query]:
    """All that is measured, in the order of the table."""
    shipped = shipped_pipeline()
    job = shipped.transform
    unwatched = replace(shipped, observation=replace(shipped.observation, model=None)).transform
    return [
        Query("passthrough by Spark", lambda records: records.select("key", "value", "topic")),
        Query("the job's plan, compiled", job),
        Query("the job's plan, interpreted", job, INTERPRETED),
        Query("interpreted, without drift", unwatched, INTERPRETED),
    ]


def start_session() -> SparkSession:
    """Spark on two cores, with the job's SQL settings and the Kafka connector."""
    use_chosen_java()
    spark = (
        SparkSession.builder.master("local[2]")
        .appName("small_batches")
        .config(map=SQL_SETTINGS)
        .config("spark.jars", connector_jars())
        .config("spark.sql.streaming.numRecentProgressUpdates", _KEPT_PROGRESS)
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.ui.enabled", False)
        .config("spark.ui.showConsoleProgress", False)
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    return spark


def measure(
    spark: SparkSession, query: Query, broker: str, checkpoint: Path, seconds: float
) -> None:
    """Lets a query run for half as long to get warm, then counts for so many seconds."""
    reading = ReadSettings(max_offsets_per_trigger=BATCH_RECORDS)
    topics = TopicSettings(input_topic=INPUT_TOPIC)
    kafka = BrokerSettings(broker=broker)
    ends = KafkaEnds(kafka.jvm_client, topics, reading, GroupSettings(), CheckpointSettings())
    for name, value in query.settings.items():
        spark.conf.set(name, value)
    records = ends.read(spark).transform(query.plan).writeStream.format("noop")
    running = records.option("checkpointLocation", str(checkpoint)).trigger(
        processingTime="0 seconds"
    )
    started = running.start()
    try:
        time.sleep(seconds / 2)
        first, cpu, begun = last_batch(started), tree_seconds(os.getpid()), time.monotonic()
        time.sleep(seconds)
        # On a busy machine a batch may take longer than that.
        while (batches := last_batch(started) - first) < 1:
            started.awaitTermination(1)
        wall = time.monotonic() - begun
        used = tree_seconds(os.getpid()) - cpu
        planning = [p.durationMs["queryPlanning"] for p in started.recentProgress[-batches:]]
        query.taken.append((1000 * used / batches, 1000 * wall / batches, median(planning)))
    finally:
        started.stop()
        for name in query.settings:
            spark.conf.unset(name)


def last_batch(query: StreamingQuery) -> int:
    """Number of the last batch that has ended; -1 before the first."""
    progress = query.lastProgress
    return -1 if progress is None else progress.batchId


def summary(measured: Sequence[Query]) -> Table:
    """Medians of all rounds but the first, beside those of the first query."""
    medians = [
        [median(column) for column in zip(*query.taken[1:], strict=True)] for query in measured
    ]
    columns = {"core-ms": ".0f", "ratio": ".2f", "ms": ".0f", "ms of planning": ".0f"}
    rows = {
        query.name: (cpu, cpu / medians[0][0], wall, planning)
        for query, (cpu, wall, planning) in zip(measured, medians, strict=True)
    }
    return Table(f"a batch of {BATCH_RECORDS} records", columns, rows)


def main() -> None:
    """Runs the benchmark, from command-line arguments."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=20)
    options = parser.parse_args()
    spark = start_session()
    measured = queries()
    with (
        tempfile.TemporaryDirectory(prefix="small-batches-") as scratch,
        KafkaBroker(Path(scratch, "kafka")) as broker,
    ):
        preload(broker.bootstrap_servers, PRELOADED, 0.01)
        # The first round is spent on compiling.
        for number in range(options.rounds + 1):
            for place, query in enumerate(measured):
                checkpoint = Path(scratch, f"checkpoint-{number}-{place}")
                measure(spark, query, broker.bootstrap_servers, checkpoint, options.seconds)
        spark.stop()
    tell([summary(measured)], options.figures)


if __name__ == "__main__":
    main()
