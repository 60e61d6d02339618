"""What the telemetry's questions take where the topics have many partitions and the broker is far.

    python bench/many_partitions.py [PARTITIONS] [MILLISECONDS]

The milliseconds are those of one way. The reader of the record log is measured in a process of its
own, which is given three times what its memory may hold.
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from confluent_kafka import Producer
from far_broker import far_broker
from pyspark.sql import SparkSession
from table import print_machine, print_table

from launcher.cache.connector import connector_jars
from launcher.java import use_chosen_java
from sandbox.kafka.topics import CustomerTopics, create_topics
from stream_telemetry.broker.admin import JvmAdmin
from stream_telemetry.broker.offsets import BrokerOffsets
from stream_telemetry.broker.read import TopicReader
from telco_churn.query.cluster_checks import ClusterChecks
from telco_churn.query.settings import BrokerSettings, TopicSettings
from telco_churn.query.topic_checks import check_topics

ROUNDS = 7
RECORD_LOG_KILOBYTES = 8192
LARGE_BYTES = 900_000
READ_SECONDS = 20.0
TOPICS = CustomerTopics()


def main(partitions: int, milliseconds: float) -> None:
    """Prints one line for each question."""
    with (
        tempfile.TemporaryDirectory() as scratch,
        far_broker(Path(scratch) / "kafka", milliseconds) as (far, near),
    ):
        names = (TOPICS.raw, TOPICS.predictions, TOPICS.dead_letters)
        create_topics(near, dict.fromkeys(names, partitions))
        _publish(near, TOPICS.raw, partitions, b"{}")
        rows = [*_offsets(far, partitions), *_checks(far)]
        memory = _record_log(far, near, partitions)
    print(
        f"{partitions} partitions in each topic, {milliseconds:g} ms to the broker and back again"
    )
    print_machine()
    print_table(("question", "median, s", "longest, s"), rows)
    print(f"\nrecord log, {RECORD_LOG_KILOBYTES:,} kB allowed: {memory:.0f} MB more at most")


def _offsets(far: str, partitions: int) -> list[tuple[str, ...]]:
    offsets = BrokerOffsets(TOPICS.raw, "bench", {"bootstrap.servers": far})
    bounds = offsets.bounds()

    def ages() -> None:
        """Asks for the time of the first record of each partition."""
        assert len(offsets.timestamps(bounds.beginnings)) == partitions

    try:
        return [
            _timed("beginnings, ends, what is held back", offsets.bounds),
            _timed("age of the next record of each partition", ages),
            _timed("commit", lambda: offsets.commit(bounds.ends)),
            _timed("what the group has committed", offsets.committed),
        ]
    finally:
        offsets.close()


def _checks(far: str) -> list[tuple[str, ...]]:
    use_chosen_java()
    spark = (
        SparkSession.builder.master("local[1]")
        .config("spark.ui.enabled", False)
        .config("spark.jars", connector_jars())
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    kafka, topics = BrokerSettings(broker=far), TopicSettings()
    try:
        with JvmAdmin({"bootstrap.servers": far}) as admin:
            cluster = ClusterChecks(admin, kafka, topics)
            return [
                _timed(
                    "topics are there, their brokers answer", lambda: check_topics(kafka, topics)
                ),
                _timed("who the topics are", cluster.topics),
                _timed("what the outputs take", cluster.check_outputs),
            ]
    finally:
        spark.stop()


def _timed(name: str, ask: Callable[[], object]) -> tuple[str, ...]:
    taken = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        ask()
        taken.append(time.perf_counter() - begin)
    sys.stderr.write(f"{name} done\n")
    return name, f"{median(taken):.2f}", f"{max(taken):.2f}"


def _record_log(far: str, near: str, partitions: int) -> float:
    """Megabytes that the reader's process has grown by at most, over a flood of large records."""
    context = multiprocessing.get_context("spawn")
    mine, other = context.Pipe()
    process = context.Process(target=_follow, args=(far, other))
    process.start()
    try:
        assert mine.recv() == "placed"
        _publish(near, TOPICS.dead_letters, partitions, b"x" * LARGE_BYTES)
        mine.send("go")
        return float(mine.recv())
    finally:
        process.kill()
        process.join()


def _follow(far: str, pipe: multiprocessing.connection.Connection) -> None:
    outputs = (TOPICS.predictions, TOPICS.dead_letters)
    with TopicReader(
        {"bootstrap.servers": far}, outputs, memory_kilobytes=RECORD_LOG_KILOBYTES, has_log=True
    ) as reader:
        reader.follow()
        before = _resident()
        pipe.send("placed")
        pipe.recv()
        most, deadline = before, time.monotonic() + READ_SECONDS
        while time.monotonic() < deadline:
            reader.poll(0.1, most=1)
            most = max(most, _resident())
        pipe.send(most - before)


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def _publish(broker: str, topic: str, partitions: int, value: bytes) -> None:
    producer = Producer({"bootstrap.servers": broker, "linger.ms": 5})
    for partition in range(partitions):
        producer.produce(topic, value, partition=partition)
        if partition % 20 == 0:
            producer.flush(60)
    assert producer.flush(60) == 0


if __name__ == "__main__":
    numbers = [float(word) for word in sys.argv[1:3]]
    main(int(numbers[0]) if numbers else 300, numbers[1] if len(numbers) > 1 else 10.0)
